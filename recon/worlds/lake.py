"""The lake of a world: hourly objects of the pipeline's tables, lake_files, and the reference tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table
from recon.worlds import text
from recon.worlds.clock import DAY, HOUR, MINUTE, SECOND, is_open, landing, local_date, moment
from recon.worlds.columns import entries_table, states_table
from recon.worlds.control import control_rows
from recon.worlds.journals import entries_of, journals_of
from recon.worlds.model import History
from recon.worlds.states import states_of

CALENDARS = ("TARGET", "UTC", "US")
_WRITERS = 2

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Object:
    table: str
    path: str
    rows: pa.Table
    landed_at: int


def write_lake(history: History, root: Path, advance: Callable[[int], None]) -> str:
    """Write every table below `root` and return the lake's fingerprint. `advance` is told of hours written."""
    rng = np.random.default_rng([history.seed, 2])
    journals = journals_of(history, rng)
    entries = entries_of(history, journals, rng)
    traces = text.arrow(text.draw(rng, len(history.payments), 32, text.HEX))
    buckets = np.array([p.bucket for p in history.payments], np.int64)[journals.payment[entries.journal]]
    sources: list[Iterator[_Object]] = [
        _ledger_objects(history, entries_table(history, journals, entries, traces), buckets),
        _hourly(history, "payment_states", states_table(history, states_of(history), traces), "event_at", 3 * MINUTE),
        _hourly(
            history,
            "ledger_control",
            control_rows(history, journals, entries, arrow_schema(table("ledger_control"))),
            "hour_start",
            12 * MINUTE,
        ),
    ]
    listed = []
    with ThreadPoolExecutor(_WRITERS) as pool:
        for source in sources:
            for made in pool.map(lambda item: _write(root, item), source):
                listed.append(made)
                advance(1)
    listed.sort(key=lambda row: str(row["path"]))
    write_table(root, "lake_files", listed)
    _write_reference(history, root)
    return fingerprint([(str(row["path"]), str(row["digest"])) for row in listed])


def fingerprint(objects: list[tuple[str, str]]) -> str:
    """Hex SHA-256 of the sorted `path digest` lines of a lake's objects."""
    return hashlib.sha256("\n".join(f"{path} {digest}" for path, digest in sorted(objects)).encode()).hexdigest()


def write_table(root: Path, name: str, rows: list[dict[str, object]]) -> None:
    """Write a small table as one object directly in its folder."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(table(name))), folder / "part-0.parquet")


def _ledger_objects(history: History, rows: pa.Table, buckets: Rows) -> Iterator[_Object]:
    """Ledger objects by hour: what a gap lost or delayed lies in part-1, what came twice once more in part-2."""
    gaps = {gap.hour: gap for gap in history.gaps}
    at = rows["event_at"].cast(pa.int64()).to_numpy()
    for hour, first, last in _hours(history, at):
        mine, of_bucket = rows.slice(first, last - first), buckets[first:last]
        lands = landing(hour)
        gap = gaps.get(hour)
        if gap:
            lost = np.isin(of_bucket, sorted(gap.buckets))
            if gap.landed_at is not None:
                yield _object("ledger_entries", hour, 1, mine.filter(pa.array(lost)), gap.landed_at)
            mine = mine.filter(pa.array(~lost))
        if len(mine):
            yield _object("ledger_entries", hour, 0, mine, lands)
        if hour in history.doubled_hours:
            yield _object("ledger_entries", hour, 2, mine.slice(0, max(1, len(mine) // 3)), lands + 4 * MINUTE)


def _hourly(history: History, name: str, rows: pa.Table, column: str, lag: int) -> Iterator[_Object]:
    at = rows[column].cast(pa.int64()).to_numpy()
    for hour, first, last in _hours(history, at):
        yield _object(name, hour, 0, rows.slice(first, last - first), hour + HOUR + lag)


def _hours(history: History, at: Rows) -> Iterator[tuple[int, int, int]]:
    """(hour, first row, row after the last) of every hour that has rows."""
    starts = np.arange(history.start, int(at[-1]) + HOUR, HOUR) if len(at) else np.array([], np.int64)
    bounds = [*np.searchsorted(at, starts).tolist(), len(at)]
    for place, hour in enumerate(starts.tolist()):
        if bounds[place] < bounds[place + 1]:
            yield hour, bounds[place], bounds[place + 1]


def _object(name: str, hour: int, part: int, rows: pa.Table, landed_at: int) -> _Object:
    return _Object(name, f"{name}/dt={moment(hour):%Y-%m-%d}/hr={moment(hour):%H}/part-{part}.parquet", rows, landed_at)


def _write(root: Path, item: _Object) -> dict[str, object]:
    sink = pa.BufferOutputStream()
    pq.write_table(item.rows, sink, compression="snappy", write_statistics=False)
    content = sink.getvalue()
    target = root / item.path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return {
        "table": item.table,
        "path": item.path,
        "digest": hashlib.sha256(content).hexdigest(),
        "rows": len(item.rows),
        "landed_at": _naive(item.landed_at // SECOND * SECOND),
    }


def _write_reference(history: History, root: Path) -> None:
    write_table(
        root,
        "feed_expectations",
        [
            {
                "gateway": account.gateway,
                "gateway_account": account.name,
                "report_type": e.report,
                "cadence": "daily",
                "time_zone": e.time_zone,
                "cut_off": e.cut_off,
                "lag_business_days": e.lag_business_days,
                "grace_hours": e.grace_hours,
                "calendar": e.calendar,
                "received_at": None,
            }
            for account, e in history.expectations()
        ],
    )
    first, last = local_date(history.start - 7 * DAY, "UTC"), local_date(history.until + 60 * DAY, "UTC")
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    write_table(
        root,
        "business_days",
        [
            {"calendar": calendar, "day": day, "open": is_open(calendar, day), "received_at": None}
            for calendar in CALENDARS
            for day in days
        ],
    )


def _naive(at: int) -> object:
    return moment(at).replace(tzinfo=None)
