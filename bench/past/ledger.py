"""What the pipeline writes of an hour's payments: nine entries each, eight states, and the hour's control totals."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from bench.past.payments import COMMIT_AFTER, Ints, Payments, instants, named, taken
from bench.past.plan import ADYEN, CURRENCIES, STRIPE
from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table
from recon.worlds import text
from recon.worlds.clock import DAY, HOUR, MINUTE
from recon.worlds.frame import MERCHANTS
from recon.worlds.states import FIRST_WITH_HOLD, FIRST_WITH_REFERENCE, PATHS, STATUSES

_STEPS = ("CAPTURE", "COMMIT", "RESERVE")
_CAPTURE, _COMMIT, _RESERVE = range(3)
_FAMILIES = ("authorization_hold", "authorization_contra", "merchant_pending", "merchant_payable")
_HOLD, _CONTRA, _PENDING, _PAYABLE, _CLEARING, _FEE = range(6)
_ACCOUNTS = (
    *(f"{family}:{merchant}" for family in _FAMILIES for merchant in MERCHANTS),
    "gateway_clearing:adyen",
    "gateway_clearing:stripe",
    "platform_fee",
)
_WHOLE, _LESS_FEE, _FEE_ONLY = range(3)

# step, account, debit?, how much: the nine entries of a payment in their order
_LEGS = (
    (_RESERVE, _HOLD, True, _WHOLE),
    (_RESERVE, _CONTRA, False, _WHOLE),
    (_CAPTURE, _CONTRA, True, _WHOLE),
    (_CAPTURE, _HOLD, False, _WHOLE),
    (_CAPTURE, _CLEARING, True, _WHOLE),
    (_CAPTURE, _PENDING, False, _WHOLE),
    (_COMMIT, _PENDING, True, _WHOLE),
    (_COMMIT, _PAYABLE, False, _LESS_FEE),
    (_COMMIT, _FEE, False, _FEE_ONLY),
)
_ENTRIES_OF_STEP = np.array([4, 3, 2])
_VERSION_OF_STEP = np.array([7, 8, 3])
_RECORDED_AFTER = 15
_BUCKETS = 256


@dataclass(frozen=True, slots=True)
class Entries:
    """One row per entry, in order of time; `payment` indexes the payments, `step` _STEPS."""

    payment: Ints
    leg: Ints
    step: Ints
    at: Ints
    debit: Ints
    amount: Ints
    ids: text.Letters


def draw_entries(rng: np.random.Generator, payments: Payments) -> Entries:
    """Nine entries per payment."""
    steps, _, debits, kinds = (np.array(column) for column in zip(*_LEGS, strict=True))
    count, legs = len(payments), len(_LEGS)
    times = np.column_stack([payments.captured, payments.captured + COMMIT_AFTER, payments.reserved])
    amounts = np.column_stack([payments.amount, payments.amount - payments.fee, payments.fee])
    at = times[:, steps].reshape(-1)
    order = np.argsort(at, kind="stable")
    leg = np.tile(np.arange(legs), count)[order]
    return Entries(
        payment=np.repeat(np.arange(count), legs)[order],
        leg=leg,
        step=steps[leg],
        at=at[order],
        debit=debits[leg].astype(np.int64),
        amount=amounts[:, kinds].reshape(-1)[order],
        ids=text.ulids(at[order], rng),
    )


def entries_table(rng: np.random.Generator, payments: Payments, entries: Entries) -> pa.Table:
    """ledger_entries of the hour."""
    rows, reserve = entries.payment, entries.step == _RESERVE
    family = np.array([account for _, account, _, _ in _LEGS])[entries.leg]
    merchants = len(MERCHANTS)
    account = np.select(
        [family == _CLEARING, family == _FEE],
        [len(_FAMILIES) * merchants + payments.stripe[rows], np.full(len(rows), len(_ACCOUNTS) - 1)],
        family * merchants + payments.merchant[rows],
    )
    columns = {
        "entry_id": text.arrow(entries.ids),
        "journal_id": taken(text.arrow(_journal_ids(rng, payments)), rows * len(_STEPS) + entries.step),
        "payment_id": pa.array(payments.id[rows]),
        "merchant_id": named(MERCHANTS, payments.merchant[rows]),
        "step": named(_STEPS, entries.step),
        "sequence": pa.array(np.ones(len(rows), np.int64)),
        "account": named(_ACCOUNTS, account),
        "direction": named(("C", "D"), entries.debit),
        "amount_minor": pa.array(entries.amount),
        "currency": named(CURRENCIES, payments.currency[rows]),
        "journal_entry_count": pa.array(_ENTRIES_OF_STEP[entries.step]),
        "gateway": payments.names(STRIPE.gateway, ADYEN.gateway, rows),
        "gateway_account": payments.names(STRIPE.name, ADYEN.name, rows),
        "gateway_ref": taken(payments.gateway_ref, rows, reserve),
        "operation_ref": taken(payments.operation_ref, rows, entries.step != _CAPTURE),
        "hold_expires_at": instants(payments.created[rows] + 7 * DAY, ~reserve),
        "payment_version": pa.array(_VERSION_OF_STEP[entries.step]),
        "trace_id": taken(payments.trace, rows),
        "event_at": instants(entries.at),
        "recorded_at": instants(entries.at + _RECORDED_AFTER),
    }
    return _table("ledger_entries", columns)


def _journal_ids(rng: np.random.Generator, payments: Payments) -> text.Letters:
    """Ids of the journals, three per payment in the order of _STEPS."""
    at = np.column_stack([payments.captured, payments.captured + COMMIT_AFTER, payments.reserved]).reshape(-1)
    order = np.argsort(at, kind="stable")
    ids = np.empty((len(at), 26), np.uint8)
    ids[order] = text.ulids(at[order], rng)
    return ids


def states_table(payments: Payments) -> pa.Table:
    """payment_states of the hour."""
    statuses = PATHS["captured"]
    code = np.array([STATUSES.index(status) for status in statuses])
    span = payments.captured - payments.created
    times = [payments.created, payments.created + span // 8, payments.reserved, payments.reserved + span // 8]
    times += [payments.captured - span // 4, payments.captured - span // 8, payments.captured]
    times += [payments.captured + COMMIT_AFTER]
    at = np.column_stack(times).reshape(-1)
    order = np.argsort(at, kind="stable")
    rows = np.repeat(np.arange(len(payments)), len(statuses))[order]
    version = np.tile(np.arange(len(statuses)), len(payments))[order]
    columns = {
        "payment_id": pa.array(payments.id[rows]),
        "merchant_id": named(MERCHANTS, payments.merchant[rows]),
        "version": pa.array(version + 1),
        "status": named(STATUSES, code[version]),
        "amount_minor": pa.array(payments.amount[rows]),
        "currency": named(CURRENCIES, payments.currency[rows]),
        "gateway": payments.names(STRIPE.gateway, ADYEN.gateway, rows),
        "gateway_account": payments.names(STRIPE.name, ADYEN.name, rows),
        "gateway_ref": taken(payments.gateway_ref, rows, code[version] < FIRST_WITH_REFERENCE),
        "capture_mode": named(("automatic",), np.zeros(len(rows), np.int64)),
        "hold_expires_at": instants(payments.created[rows] + 7 * DAY, code[version] < FIRST_WITH_HOLD),
        "id_at": instants(payments.created[rows]),
        "trace_id": taken(payments.trace, rows),
        "event_at": instants(at[order]),
        "recorded_at": instants(at[order] + _RECORDED_AFTER),
    }
    return _table("payment_states", columns)


def control_table(hour: int, payments: Payments, entries: Entries) -> pa.Table:
    """ledger_control of the hour, one revision."""
    bucket = payments.id[entries.payment] % _BUCKETS
    key = (payments.currency[entries.payment] * len(_STEPS) + entries.step) * _BUCKETS + bucket
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(key[order]) > 0])
    ends = np.r_[starts[1:], len(order)]
    group = key[order][starts]
    # Ids ascend with time, and so they do within a group: what is hashed are slices of one text.
    joined = np.column_stack([entries.ids[order], np.full(len(order), ord("\n"), np.uint8)]).tobytes()
    digests = [hashlib.sha256(joined[27 * begin : 27 * end - 1]).hexdigest()
               for begin, end in zip(starts.tolist(), ends.tolist(), strict=True)]  # fmt: skip
    count = len(group)
    columns = {
        "hour_start": instants(np.full(count, hour)),
        "covers_until": instants(np.full(count, hour + HOUR)),
        "currency": named(CURRENCIES, group // (_BUCKETS * len(_STEPS))),
        "step": named(_STEPS, group // _BUCKETS % len(_STEPS)),
        "bucket": pa.array(group % _BUCKETS),
        "entry_count": pa.array(ends - starts),
        "debit_minor": pa.array(np.add.reduceat((entries.amount * entries.debit)[order], starts)),
        "digest": pa.array(digests, pa.string()),
        "recorded_at": instants(np.full(count, hour + HOUR + 10 * MINUTE)),
    }
    return _table("ledger_control", columns)


def _table(name: str, columns: dict[str, pa.Array[Any]]) -> pa.Table:
    schema = arrow_schema(table(name))
    return pa.table([columns[field.name] for field in schema], schema=schema)
