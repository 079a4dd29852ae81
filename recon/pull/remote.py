"""What lies on S3 of the days that are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from pipeline.schemas import ledger
from recon.errors import Refused
from recon.store.port import Entry

TABLES = tuple(table.name for table in ledger.TABLES)
AT_ONCE = 16
"""Listings and objects under way at a time: each is a round trip."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PullRefused(Refused):
    """Nothing, or not all, can be brought: the message names the place and what would be accepted."""


class Source(Protocol):
    """A lake on S3. All methods may raise StoreRefused."""

    root: str

    def entries(self, folder: str) -> list[Entry] | None:
        """What lies directly in `folder`; None when there is no such folder."""
        ...

    def files(self, folder: str, depth: int) -> list[Entry]:
        """Files exactly `depth` folders below `folder`, each named by its path from there."""
        ...

    def stream(self, path: str) -> tuple[Entry, Iterator[bytes]]:
        """What is known of one object now, and its bytes. Raises Absent."""
        ...


@dataclass(frozen=True, slots=True)
class Remote:
    """An object on S3: `path` relative to the lake, `landed_at` aware UTC."""

    table: str
    path: str
    size_bytes: int
    etag: str
    landed_at: datetime

    @classmethod
    def of(cls, table: str, path: str, entry: Entry) -> Remote:
        """As the store's entry says."""
        return cls(table, path, entry.size_bytes, entry.etag or "", _EPOCH + timedelta(milliseconds=entry.modified_ms))


@dataclass(frozen=True, slots=True)
class Window:
    """Days [since, until) of dt. Raises PullRefused where there is none."""

    since: date
    until: date

    def __post_init__(self) -> None:
        if self.since >= self.until:
            raise PullRefused(f"--since {self.since} is not before --until {self.until}; accepted: the first day, and "
                              "the day after the last one")

    def holds(self, path: str) -> bool:
        """Whether the object lies in a day of the window."""
        return self.since <= day_of(path) < self.until


@dataclass(frozen=True, slots=True)
class Found:
    """objects: of the window, sorted by path; first and last: the days that the lake has at all."""

    objects: Sequence[Remote]
    first: date | None
    last: date | None


def found(source: Source, window: Window) -> Found:
    """The Parquet objects of the window that a reader of the lake would see; other days are not listed.

    Raises StoreRefused, and PullRefused for a folder that is no day.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tables = list(pool.map(source.entries, TABLES))
        folders = [(table, f"{table}/{entry.name}") for table, inside in zip(TABLES, tables, strict=True)
                   for entry in inside or () if entry.folder and entry.name.startswith("dt=")]
        days = sorted(day_of(folder) for _, folder in folders)
        wanted = [(table, folder) for table, folder in folders if window.holds(folder)]
        listed = pool.map(lambda item: source.files(item[1], 1), wanted)
        objects = [Remote.of(table, f"{folder}/{entry.name}", entry)
                   for (table, folder), entries in zip(wanted, listed, strict=True)
                   for entry in entries if _counts(entry.name)]
    return Found(sorted(objects, key=lambda item: item.path), *((days[0], days[-1]) if days else (None, None)))


def day_of(path: str) -> date:
    """The day in the `dt=` folder of a path. Raises PullRefused."""
    name = path.split("/")[1]
    try:
        return date.fromisoformat(name.removeprefix("dt="))
    except ValueError:
        raise PullRefused(f"{path}: a folder dt=YYYY-MM-DD was expected") from None


def _counts(name: str) -> bool:
    """Whether readers take `hr=HH/FILE` for an object of the table."""
    hour, _, file = name.partition("/")
    return hour.startswith("hr=") and file.endswith(".parquet") and file[0] not in "._"
