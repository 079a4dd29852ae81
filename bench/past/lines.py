"""What the gateways report of an hour's payments: one line per capture, but for what is planted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from bench.past.payments import Flags, Ints, Payments, instants, named, references, taken
from bench.past.plan import CURRENCIES, PLANTED, STRIPE, Account
from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table
from recon.worlds import text
from recon.worlds.clock import SECOND

_LOST, _WRONG, _STRANGE, _TWICE = range(len(PLANTED))
_OFF_MINOR = 100
_FEE_BPS, _FEE_FIXED = 140, 25


def lines_table(rng: np.random.Generator, payments: Payments, account: Account) -> pa.Table:
    """Lines of one account, not yet in a file: file_id, batch_id and received_at are empty, line_no counts from 0.

    At STRIPE the first payments of the hour have what PLANTED says: no line, another amount, a line that names a
    payment that nobody knows, and a second charge a second later.
    """
    stripe = account is STRIPE
    rows = np.flatnonzero(payments.stripe == stripe)
    if stripe:
        rows = np.r_[rows[rows != _LOST], _STRANGE, _TWICE]
    fresh = np.arange(len(rows)) >= len(rows) - 2 * stripe
    strange = fresh & (rows == _STRANGE)
    gross = payments.amount[rows] + _OFF_MINOR * (stripe & (rows == _WRONG))
    fee = (gross * _FEE_BPS + 5_000) // 10_000 + _FEE_FIXED
    ids = payments.id[rows] + strange * (1 << 62)
    others = references(rng, np.full(len(rows), stripe), b"ch_")
    operation = _choose(fresh, others, taken(payments.operation_ref, rows))
    fields = {
        "line_id": text.arrow(text.draw(rng, len(rows), 64, text.HEX)),
        "line_no": pa.array(np.arange(len(rows))),
        "gateway_account": _all(account.name, len(rows)),
        "report_type": _all(account.report, len(rows)),
        "native_id": references(rng, np.full(len(rows), stripe), b"txn_"),
        "kind": _all("charge", len(rows)),
        "raw_type": _all(account.raw_type, len(rows)),
        "payment_ref": pa.array(ids).cast(pa.string()),
        "gateway_ref": _choose(strange, others, taken(payments.gateway_ref, rows)),
        "charge_ref": operation if stripe else pa.nulls(len(rows), pa.string()),
        "operation_ref": operation,
        "payment_method": _all("card", len(rows)),
        "card_brand": named(("visa", "mc"), rows % 2),
        "zone_source": _all("utc column", len(rows)),
        "occurred_at": instants((payments.captured[rows] + SECOND * fresh) // SECOND * SECOND),
    }
    return _table(fields | _amounts(gross, fee, payments.currency[rows]))


def in_file(lines: pa.Table, file_id: str, batch_id: str | None, received: int) -> pa.Table:
    """The lines as those of a file that came at `received`."""
    count = len(lines)
    told = {
        "file_id": _all(file_id, count),
        "batch_id": pa.array([batch_id] * count, pa.string()),
        "line_no": pa.array(np.arange(2, count + 2)),
        "received_at": instants(np.full(count, received)),
        "recorded_at": instants(np.full(count, received)),
    }
    for name, values in told.items():
        lines = lines.set_column(lines.schema.get_field_index(name), lines.schema.field(name), values)
    return lines


def _amounts(gross: Ints, fee: Ints, currency: Ints) -> dict[str, pa.Array[Any]]:
    names = named(CURRENCIES, currency)
    one = pa.array([1]).cast(pa.decimal128(38, 18))
    return {
        "gross_minor": pa.array(gross),
        "gross_currency": names,
        "settled_gross_minor": pa.array(gross),
        "fee_minor": pa.array(fee),
        "fee_currency": names,
        "commission_minor": pa.array(fee),
        "net_minor": pa.array(gross - fee),
        "net_currency": names,
        "fx_rate": taken(one, np.zeros(len(gross), np.int64)),
    }


def _table(columns: dict[str, pa.Array[Any]]) -> pa.Table:
    schema = arrow_schema(table("settlement_lines"))
    count = len(columns["line_no"])
    empty = {"file_id": _all("", count), "received_at": columns["occurred_at"], "recorded_at": columns["occurred_at"]}
    known = columns | empty
    return pa.table(
        [known[field.name] if field.name in known else pa.nulls(count, field.type) for field in schema], schema=schema
    )


def _all(value: str, count: int) -> pa.Array[Any]:
    return named((value,), np.zeros(count, np.int64))


def _choose(flags: Flags, one: pa.Array[Any], other: pa.Array[Any]) -> pa.Array[Any]:
    """`one` where flagged, else `other`."""
    place = np.where(flags, np.arange(len(one)), len(one) + np.arange(len(one)))
    return taken(pa.concat_arrays([one, other]), place)
