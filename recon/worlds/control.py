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


_Row = tuple[int, int, int, int, int, int, int, str, int]


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
    full = _grouped(keys, np.arange(len(keys.at)), HOUR, RECORDED_AFTER)
    early = _grouped(keys, half, 30 * MINUTE, 5 * MINUTE)
    quiet = sorted(set(range(history.start // HOUR, history.until // HOUR)) - set(np.unique(keys.hour).tolist()))
    names, steps = [*currencies, "XXX"], [*STEPS, "NONE"]
    nothing = hashlib.sha256(b"").hexdigest()
    rows = [
        (hour * HOUR, covers, names[currency], steps[step], bucket, count, debit, digest, recorded)
        for group in (full, early)
        for hour, covers, currency, step, bucket, count, debit, digest, recorded in group
    ]
    rows += [
        (hour * HOUR, (hour + 1) * HOUR, "XXX", "NONE", 0, 0, 0, nothing, (hour + 1) * HOUR + RECORDED_AFTER)
        for hour in quiet
    ]
    columns = [pa.array([row[n] for row in rows], field.type) for n, field in enumerate(schema)]
    table = pa.table(columns, schema=schema)
    return table.sort_by([(name, "ascending") for name in ("hour_start", "recorded_at", "currency", "step", "bucket")])


def _keys(history: History, journals: Journals, entries: Entries, currencies: list[str]) -> _Keys:
    payment = journals.payment[entries.journal]
    currency = np.array([currencies.index(p.currency) for p in history.payments], np.int64)[payment]
    bucket = np.array([p.bucket for p in history.payments], np.int64)[payment]
    at = journals.at[entries.journal]
    ids = np.ascontiguousarray(entries.ids).view("S26").reshape(-1).tolist()
    return _Keys(
        at // HOUR,
        currency,
        journals.step[entries.journal],
        bucket,
        np.where(entries.debit, entries.amount, 0),
        at,
        ids,
    )


def _grouped(keys: _Keys, rows: Ints, covered: int, recorded_after: int) -> list[_Row]:
    """Rows of ledger_control over the chosen entries; the hour is a number, currency and step are still codes."""
    if not len(rows):
        return []
    key = (((keys.hour[rows] * 16 + keys.currency[rows]) * 16 + keys.step[rows]) << 8) + keys.bucket[rows]
    order = rows[np.argsort(key, kind="stable")]
    key = np.sort(key, kind="stable")
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    ends = np.r_[starts[1:], len(key)]
    debits = np.add.reduceat(keys.debit[order], starts)
    ids = [keys.ids[i] for i in order.tolist()]
    bounds = zip(starts.tolist(), ends.tolist(), strict=True)
    digests = [hashlib.sha256(b"\n".join(ids[begin:end])).hexdigest() for begin, end in bounds]
    first = order[starts]
    covers = keys.hour[first] * HOUR + covered
    counted = (
        keys.hour[first],
        covers,
        keys.currency[first],
        keys.step[first],
        keys.bucket[first],
        ends - starts,
        debits,
    )
    return list(zip(*(column.tolist() for column in counted), digests, (covers + recorded_after).tolist(), strict=True))
