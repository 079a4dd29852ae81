"""Brings a window of a lake on S3 into a folder: what is new or has changed, many at a time, then the listing."""

from __future__ import annotations

import fcntl
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from recon.pull import listing
from recon.pull.fetch import Broken, Stopped, Unreadable, fetch, here
from recon.pull.listing import Brought
from recon.pull.remote import AT_ONCE, Found, PullRefused, Remote, Source, Window, found
from recon.store.port import Absent

LISTED_EVERY = 256
"""Objects after which the listing is written in between: so many are looked at again after a pull was killed."""
ATTEMPTS = 3
"""How often an object is fetched whose bytes do not come to their end."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a pull tells while it works: `total` bytes to fetch, each `advance` of them, and `waiting` for another."""

    total: Callable[[int], None] = lambda size: None
    advance: Callable[[int], None] = lambda size: None
    waiting: Callable[[], None] = lambda: None


@dataclass(slots=True)
class Pulled:
    """What a pull found and did. Paths are relative to the lake, sorted."""

    found: int
    first: date | None
    last: date | None
    """The days that the lake on S3 has at all."""
    tables: dict[str, int] = field(default_factory=dict)
    """Objects of the window that lie here now."""
    fetched: list[str] = field(default_factory=list)
    fetched_bytes: int = 0
    unchanged: int = 0
    gone: list[str] = field(default_factory=list)
    """Brought by an earlier pull and no longer on S3: they stay here and listed."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """(path, reason) of objects that cannot be read: not here, or as they were before."""


def pull(source: Source, lake: Path, window: Window, progress: Progress | None = None) -> Pulled:
    """Brings the window's objects of the pipeline's tables into `lake`, which is made if it is not there.

    Where it raises (StoreRefused, PullRefused) each object is whole or as it was before, and listed.
    """
    told = progress or Progress()
    seen = found(source, window)
    with _locked(lake, told.waiting) as scratch:
        brought = listing.read(lake, source.root)
        missing = [item for item in seen.objects if not _is_here(item, brought, lake)]
        told.total(sum(item.size_bytes for item in missing))
        work = _Work(source, lake, scratch, told, brought)
        try:
            try:
                work.run(missing)
            finally:
                listing.write(lake, scratch, source.root, brought)
        except OSError as error:
            raise PullRefused(f"{error.filename2 or error.filename or lake}: {error.strerror or error}; accepted: a "
                              "lake folder that can be written and has room") from None
        return _result(seen, window, work)


def _result(seen: Found, window: Window, work: _Work) -> Pulled:
    there = {item.path for item in seen.objects} - work.absent
    mine = [item.remote for path, item in work.brought.items() if window.holds(path)]
    tables: dict[str, int] = {}
    for item in sorted(mine, key=lambda item: item.path):
        tables[item.table] = tables.get(item.table, 0) + 1
    return Pulled(
        found=len(there), first=seen.first, last=seen.last, tables=tables, fetched=sorted(work.fetched),
        fetched_bytes=work.fetched_bytes, unchanged=len(there) - len(work.fetched) - len(work.refused),
        gone=sorted(item.path for item in mine if item.path not in there), refused=sorted(work.refused))


class _Work:
    """Fetches many objects at once and keeps the listing up."""

    def __init__(self, source: Source, lake: Path, scratch: Path, told: Progress, brought: dict[str, Brought]) -> None:
        self.brought = brought
        self.fetched: list[str] = []
        self.fetched_bytes = 0
        self.refused: list[tuple[str, str]] = []
        self.absent: set[str] = set()
        self._source, self._lake, self._scratch, self._told = source, lake, scratch, told
        self._stop = threading.Event()

    def run(self, missing: Sequence[Remote]) -> None:
        """Raises what ends a pull; objects that are under way then are given up."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            futures = {pool.submit(self._bring, item): item for item in missing}
            try:
                for number, future in enumerate(as_completed(futures), 1):
                    self._keep(futures[future], future)
                    if number % LISTED_EVERY == 0:
                        listing.write(self._lake, self._scratch, self._source.root, self.brought)
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _bring(self, item: Remote) -> tuple[Brought, bool]:
        """The object, and whether it was fetched."""
        already = here(item, self._lake)
        if already is not None:
            self._told.advance(item.size_bytes)
            return already, False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return fetch(self._source, item, self._lake, self._scratch, advance=self._told.advance,
                             stopped=self._stop.is_set), True
            except Broken:
                if attempt == ATTEMPTS:
                    raise
        raise Stopped

    def _keep(self, item: Remote, future: Future[tuple[Brought, bool]]) -> None:
        try:
            brought, fetched = future.result()
        except Unreadable as error:
            self.refused.append((item.path, str(error)))
        except Absent:
            self.absent.add(item.path)
        else:
            self.brought[item.path] = brought
            if fetched:
                self.fetched.append(item.path)
                self.fetched_bytes += brought.remote.size_bytes


def _is_here(item: Remote, brought: dict[str, Brought], lake: Path) -> bool:
    """Whether an earlier pull brought this very object and it still lies here."""
    known = brought.get(item.path)
    if known is None or (known.remote.etag, known.remote.size_bytes) != (item.etag, item.size_bytes):
        return False
    path = lake / item.path
    return path.is_file() and path.stat().st_size == item.size_bytes


@contextmanager
def _locked(lake: Path, waiting: Callable[[], None]) -> Iterator[Path]:
    """Lets one pull at a time work in a lake. Yields a scratch folder in it, removed at the end."""
    try:
        lake.mkdir(parents=True, exist_ok=True)
        lock = (lake / ".pull.lock").open("w")
    except OSError as error:
        raise PullRefused(f"lake {lake}: {error.strerror}; accepted: a folder that can be written, or the name of a "
                          "new one") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        scratch = lake / ".pull"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
