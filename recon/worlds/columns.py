"""Lake tables of the pipeline as Arrow, in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.schemas.columns import Table
from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table
from recon.worlds import text
from recon.worlds.clock import DAY
from recon.worlds.frame import MERCHANTS
from recon.worlds.journals import ACCOUNT_NAMES, STEPS, Entries, Journals
from recon.worlds.model import History
from recon.worlds.states import FIRST_WITH_HOLD, FIRST_WITH_REFERENCE, STATUSES, States

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

HOLD_DAYS = 7
_RECORDED_AFTER_MS = 15


def entries_table(history: History, journals: Journals, entries: Entries, traces: pa.Array[Any]) -> pa.Table:
    """ledger_entries of the whole history."""
    j, declared = entries.journal, table("ledger_entries")
    rows = journals.payment[j]
    reserve = journals.step[j] == 0
    at = journals.at[j]
    created = np.array([p.created for p in history.payments], np.int64)[rows]
    references = pa.array([ref or None for ref in journals.operation_ref], pa.string())
    columns = {
        "entry_id": text.arrow(entries.ids),
        "journal_id": text.arrow(journals.ids).take(pa.array(j, pa.int64())),
        "step": _names(STEPS, journals.step[j]),
        "sequence": pa.array(journals.sequence[j]),
        "account": _names(ACCOUNT_NAMES, entries.account),
        "direction": _names(("C", "D"), entries.debit.astype(np.int64)),
        "amount_minor": pa.array(entries.amount),
        "journal_entry_count": pa.array(journals.legs[j]),
        "gateway_ref": _per_payment([p.gateway_ref for p in history.payments], rows, reserve),
        "operation_ref": references.take(pa.array(j, pa.int64())),
        "hold_expires_at": _instants(created + HOLD_DAYS * DAY, ~reserve),
        "payment_version": pa.array(journals.version[j]),
        "event_at": _instants(at),
        "recorded_at": _instants(at + _RECORDED_AFTER_MS),
    }
    return _table(declared, columns | _of_payment(history, rows, traces))


def states_table(history: History, states: States, traces: pa.Array[Any]) -> pa.Table:
    """payment_states of the whole history."""
    rows = states.payment
    created = np.array([p.created for p in history.payments], np.int64)[rows]
    columns = {
        "version": pa.array(states.version),
        "status": _names(STATUSES, states.status),
        "amount_minor": pa.array(np.array([p.amount for p in history.payments], np.int64)[rows]),
        "gateway_ref": _per_payment(
            [p.gateway_ref for p in history.payments], rows, states.status < FIRST_WITH_REFERENCE
        ),
        "capture_mode": _names(("automatic", "manual"), np.array([p.manual for p in history.payments], np.int64)[rows]),
        "hold_expires_at": _instants(created + HOLD_DAYS * DAY, states.status < FIRST_WITH_HOLD),
        "id_at": _instants(created),
        "event_at": _instants(states.at),
        "recorded_at": _instants(states.at + _RECORDED_AFTER_MS),
    }
    return _table(table("payment_states"), columns | _of_payment(history, rows, traces))


def _of_payment(history: History, rows: Ints, traces: pa.Array[Any]) -> dict[str, pa.Array[Any]]:
    payments = history.payments
    return {
        "payment_id": pa.array(np.array([p.id for p in payments], np.int64)[rows]),
        "merchant_id": _names(MERCHANTS, np.array([p.merchant for p in payments], np.int64)[rows]),
        "currency": _per_payment([p.currency for p in payments], rows),
        "gateway": _per_payment([p.account.gateway for p in payments], rows),
        "gateway_account": _per_payment([p.account.name for p in payments], rows),
        "trace_id": traces.take(pa.array(rows, pa.int64())),
    }


def _per_payment(values: Sequence[str], rows: Ints, absent: Flags | None = None) -> pa.Array[Any]:
    return pa.array(values, pa.string()).take(pa.array(rows, pa.int64(), mask=absent))


def _names(values: Sequence[str], codes: Ints) -> pa.Array[Any]:
    return pa.array(list(values), pa.string()).take(pa.array(codes, pa.int64()))


def _instants(at: Ints, absent: Flags | None = None) -> pa.Array[Any]:
    return pa.array(at, pa.int64(), mask=absent).cast(pa.timestamp("ms"))


def _table(declared: Table, columns: dict[str, pa.Array[Any]]) -> pa.Table:
    schema = arrow_schema(declared)
    return pa.table([columns[field.name] for field in schema], schema=schema)
