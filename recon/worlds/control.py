"""Control totals of the ledger per hour: what ledger_control says, whatever became of the lake's objects."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.worlds.clock import HOUR, MINUTE
from recon.worlds.journals import STEPS, Entries, Journals
from recon.worlds.model import History

Ints = npt.NDArray[np.int64]

RECORDED_AFTER = 10 * MINUTE
_HALF_HOUR_EVERY = 37
"""Every so many hours the writer also leaves a revision of the unfinished hour."""


@dataclass(slots=True)
class _Keys:
    """What each entry counts towards."""

    hour: Ints
    currency: Ints
    step: Ints
    bucket: Ints
    debit: Ints
    at: Ints
    ids: list[bytes]


def control_rows(history: History, journals: Journals, entries: Entries, schema: pa.Schema) -> pa.Table:
    """All revisions, in order of hour; quiet hours have their one empty row."""
    currencies = sorted({p.currency for p in history.payments})
    keys = _keys(history, journals, entries, currencies)
    half = np.flatnonzero((keys.hour % _HALF_HOUR_EVERY == 0) & (keys.at % HOUR < 30 * MINUTE))
    columns = _grouped(keys, np.arange(len(keys.at)), HOUR, RECORDED_AFTER)
    early = _grouped(keys, half, 30 * MINUTE, 5 * MINUTE)
    quiet = sorted(set(range(history.start // HOUR, history.until // HOUR)) - set(np.unique(keys.hour).tolist()))
    names = [*currencies, "XXX"]
    steps = [*STEPS, "NONE"]
    empty = hashlib.sha256(b"").hexdigest()
    for hour in quiet:
        for column, value in zip(columns, (hour * HOUR, (hour + 1) * HOUR, len(names) - 1, len(steps) - 1, 0, 0, 0, empty,
                                           (hour + 1) * HOUR + RECORDED_AFTER), strict=True):
            column.append(value)
    merged = [a + b for a, b in zip(columns, early, strict=True)]
    merged[2] = [names[code] for code in merged[2]]
    merged[3] = [steps[code] for code in merged[3]]
    table = pa.table([pa.array(column, field.type) for column, field in zip(merged, schema, strict=True)], schema=schema)
    return table.sort_by([(name, "ascending") for name in ("hour_start", "recorded_at", "currency", "step", "bucket")])


def _keys(history: History, journals: Journals, entries: Entries, currencies: list[str]) -> _Keys:
    payment = journals.payment[entries.journal]
    currency = np.array([currencies.index(p.currency) for p in history.payments], np.int64)[payment]
    bucket = np.array([p.bucket for p in history.payments], np.int64)[payment]
    at = journals.at[entries.journal]
    ids = np.ascontiguousarray(entries.ids).view("S26").reshape(-1).tolist()
    return _Keys(at // HOUR, currency, journals.step[entries.journal], bucket, np.where(entries.debit, entries.amount, 0), at,
                 ids)


def _grouped(keys: _Keys, rows: Ints, covered: int, recorded_after: int) -> list[list[object]]:
    """Columns of ledger_control over the chosen entries; currency and step still as codes."""
    if not len(rows):
        return [[] for _ in range(9)]
    key = (((keys.hour[rows] * 16 + keys.currency[rows]) * 16 + keys.step[rows]) << 8) + keys.bucket[rows]
    order = rows[np.argsort(key, kind="stable")]
    key = np.sort(key, kind="stable")
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    ends = np.r_[starts[1:], len(key)]
    debits = np.add.reduceat(keys.debit[order], starts).tolist()
    ids = [keys.ids[i] for i in order.tolist()]
    digests = [hashlib.sha256(b"\n".join(ids[a:b])).hexdigest() for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    first = order[starts]
    hours = keys.hour[first] * HOUR
    return [hours.tolist(), (hours + covered).tolist(), keys.currency[first].tolist(), keys.step[first].tolist(),
            keys.bucket[first].tolist(), (ends - starts).tolist(), debits, digests,
            (hours + covered + recorded_after).tolist()]
