"""Files offered, one after the other in the order in which they were received: read, judged, landed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from recon.errors import Refused
from recon.feeds import known as knowledge
from recon.feeds import land
from recon.feeds.faults import INCOMPLETE, Fault, FileRefused, as_json
from recon.feeds.options import ARRIVALS, ReadOptions, for_file, read_arrivals
from recon.feeds.read import Reading, read
from recon.settings import Settings, from_environment

SHOWN = 100
"""Faults that the feed_files row lists; a refused file's reasons.json has more."""
_CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Offer:
    """A file to ingest, with what is known about it."""

    path: Path
    options: ReadOptions
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file. `row` is its feed_files row; `faults` the first faults, `faults_total` their number."""

    path: Path
    status: str
    row: dict[str, Any] = field(repr=False)
    faults: tuple[Fault, ...] = ()
    faults_total: int = 0

    @property
    def restates(self) -> bool:
        """Whether the file supersedes another one."""
        return self.row["supersedes_file_id"] is not None

    @property
    def unclean(self) -> bool:
        """Whether the file is an error under --strict: anything but a plainly accepted one."""
        return self.status != "accepted" or self.restates


@dataclass(slots=True)
class Clock:
    """Instants for recorded_at: each later than all before in the lake, so that every offer has a row of its own."""

    now: Callable[[], datetime]
    last: datetime | None = None

    def tick(self) -> datetime:
        """The next instant, naive UTC in whole milliseconds."""
        instant = knowledge.naive(self.now())
        assert instant is not None
        if self.last is not None and instant <= self.last:
            instant = self.last + timedelta(milliseconds=1)
        self.last = instant
        return instant


def ingest(
    paths: Sequence[Path],
    lake: Path,
    options: ReadOptions,
    now: Callable[[], datetime],
    progress: Callable[[int, int, Outcome], None] | None = None,
    settings: Settings | None = None,
) -> list[Outcome]:
    """Ingest files and folders of files into the lake; outcomes in the order of ingest.

    `now` is asked for recorded_at. A refused file is an outcome, not an exception; Refused is raised only for what
    concerns no single file (a path that is not there, a broken arrivals.json). `progress` gets (done, of, outcome).
    """
    offers = sorted(_offers(paths, options), key=lambda offer: (offer.received_at, str(offer.path)))
    outcomes: list[Outcome] = []
    with land.locked(lake) as scratch:
        con = _connection(scratch, settings or from_environment())
        known = knowledge.load(lake)
        clock = Clock(now, known.last_recorded())
        for offer in offers:
            outcome = _one(con, offer, lake, scratch, known, clock)
            known.add(outcome.row)
            outcomes.append(outcome)
            if progress is not None:
                progress(len(outcomes), len(offers), outcome)
        con.close()
    return outcomes


def _one(
    con: duckdb.DuckDBPyConnection, offer: Offer, lake: Path, scratch: Path, known: knowledge.Known, clock: Clock
) -> Outcome:
    copy = scratch / "offered"
    row: dict[str, Any] = {
        "file_id": _copied(offer.path, copy), "name": offer.path.name, "supersedes_file_id": None,
        "received_at": knowledge.naive(offer.received_at), "recorded_at": clock.tick(),
    }  # fmt: skip
    try:
        reading = read(con, copy, offer.path.name, offer.options)
    except FileRefused as refused:
        row |= {
            "status": "refused", "gateway": refused.gateway, "report_type": refused.report_type,
            "gateway_account": offer.options.gateway_account, "faults": as_json(refused.faults[:SHOWN]),
        }  # fmt: skip
        land.keep_aside(lake, copy, row, refused.faults, refused.total)
        land.write_row(lake, scratch, row)
        return Outcome(offer.path, "refused", row, refused.faults, refused.total)
    row |= reading.facts
    return _land(con, offer, lake, scratch, known, row, reading)


def _land(
    con: duckdb.DuckDBPyConnection, offer: Offer, lake: Path, scratch: Path, known: knowledge.Known,
    row: dict[str, Any], reading: Reading,
) -> Outcome:  # fmt: skip
    faults = list(reading.faults)
    repeated = known.duplicate_of(row)
    if repeated is not None:
        row["status"] = "duplicate"
        faults = [Fault(f"repeats {repeated['name']} ({repeated['file_id'][:16]})", level="warning")]
    else:
        row["status"] = INCOMPLETE if any(fault.level == INCOMPLETE for fault in faults) else "accepted"
        restated = known.restated_by(row)
        if restated is not None:
            row["supersedes_file_id"] = restated["file_id"]
            faults.append(Fault(f"restates {restated['name']} ({restated['file_id'][:16]})", level="warning"))
        if (lake / "raw" / row["file_id"]).exists():
            land.remove_orphans(lake, row["file_id"])
        land.keep_raw(lake, scratch / "offered", row["file_id"])
        if reading.parser.table is not None:
            land.write_lines(con, lake, scratch, reading.parser.table, row)
        if reading.parser.batches is not None:
            land.write_batches(con, lake, scratch, reading.parser.batches, row)
    row["faults"] = as_json(faults[:SHOWN]) if faults else None
    land.write_row(lake, scratch, row)
    return Outcome(offer.path, row["status"], row, tuple(faults), len(faults))


def _offers(paths: Sequence[Path], options: ReadOptions) -> Iterator[Offer]:
    arrivals: dict[Path, dict[str, ReadOptions]] = {}
    for path in _files(paths):
        if path.parent not in arrivals:
            arrivals[path.parent] = read_arrivals(path.parent)
        said = for_file(path, options, arrivals[path.parent])
        seen = said.received_at or datetime.fromtimestamp(path.stat().st_mtime, UTC)
        if said.covers_from and said.covers_until and said.covers_from >= said.covers_until:
            raise Refused(f"{path.name}: covers_from {said.covers_from} is not before covers_until {said.covers_until}")
        yield Offer(path, replace(said, received_at=seen), seen)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.is_file())
            for file in inside:
                hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
                if not hidden and file.name != ARRIVALS:
                    yield file
        elif path.is_file():
            yield path
        else:
            raise Refused(f"{path}: no such file or folder; accepted: settlement files and folders of them")


def _copied(path: Path, copy: Path) -> str:
    """Copy the file while taking its SHA-256, so that what is read, digested and kept is one and the same."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as source, copy.open("wb") as target:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}; accepted: a file that can be read") from None
    return digest.hexdigest()


def _connection(scratch: Path, settings: Settings) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(
        ":memory:",
        config={
            "threads": settings.threads, "memory_limit": settings.memory,
            "temp_directory": str(scratch / "spill"), "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )  # fmt: skip
    # Rewriting short lists of codes into joins costs far more than comparing them, above all in small files.
    con.execute("SET disabled_optimizers = 'in_clause'")
    return con
