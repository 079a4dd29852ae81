"""A lake on S3 that is not there: objects in memory, with the faults that a test wants."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table
from recon.pull.listing import PATH
from recon.pull.pull import pull
from recon.pull.remote import Window
from recon.store.port import Absent, Entry

LANDED = datetime(2026, 3, 10, 14, 0, 7, tzinfo=UTC)
WINDOW = Window(date(2026, 3, 10), date(2026, 3, 12))
ENTRIES = "ledger_entries/dt=2026-03-10/hr=13/part-0.parquet"
STATES = "payment_states/dt=2026-03-11/hr=00/part-0.parquet"
EVENTS = "payment_events/dt=2026-03-11/hr=23/part-0.parquet"
CONTROL = "ledger_control/dt=2026-03-10/hr=13/part-0.parquet"
OF_WINDOW = sorted([ENTRIES, STATES, EVENTS, CONTROL])


def parquet(name: str, rows: int = 3, note: str = "") -> bytes:
    """A Parquet object of a lake table with `rows` rows of nothing; another `note`, other bytes."""
    nullable = [field.with_nullable(True) for field in arrow_schema(table(name))]
    body = io.BytesIO()
    columns = [pa.nulls(rows, field.type) for field in nullable]
    pq.write_table(pa.table(columns, schema=pa.schema(nullable, metadata={"note": note})), body)
    return body.getvalue()


class Bucket:
    """See recon.pull.remote.Source. `before` is called with each path that is about to be streamed."""

    def __init__(self, root: str = "s3://lake") -> None:
        self.root = root
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self.streamed: list[str] = []
        self.pieces = 4_096
        self.before: Callable[[str], None] = lambda path: None
        self.sent: Callable[[str, bytes], bytes] = lambda path, body: body
        self._lock = threading.Lock()

    def put(self, path: str, body: bytes | None = None, landed_at: datetime = LANDED) -> None:
        """Puts an object, by default one of three rows."""
        self.objects[path] = (parquet(path.split("/")[0]) if body is None else body, landed_at)

    def entries(self, folder: str) -> list[Entry] | None:
        """See Source."""
        inside = [path.removeprefix(f"{folder}/") for path in self.objects if path.startswith(f"{folder}/")]
        folders = sorted({name.split("/")[0] for name in inside if "/" in name})
        return [Entry(name, True, 0) for name in folders] or None

    def files(self, folder: str, depth: int) -> list[Entry]:
        """See Source."""
        return [self._entry(path, path.removeprefix(f"{folder}/")) for path in self.objects
                if path.startswith(f"{folder}/") and path.removeprefix(f"{folder}/").count("/") == depth]

    def stream(self, path: str) -> tuple[Entry, Iterator[bytes]]:
        """See Source."""
        self.before(path)
        with self._lock:
            self.streamed.append(path)
        if path not in self.objects:
            raise Absent(f"{path} is gone from lake {self.root}")
        body = self.sent(path, self.objects[path][0])
        return self._entry(path, path), iter([body[at:at + self.pieces] for at in range(0, len(body), self.pieces)])

    def _entry(self, path: str, name: str) -> Entry:
        body, landed_at = self.objects[path]
        milliseconds = (landed_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        return Entry(name, False, milliseconds, len(body), hashlib.md5(body, usedforsecurity=False).hexdigest())


def filled(root: str = "s3://lake") -> Bucket:
    """The four tables' objects of the window, one of the day before and one of the day after it."""
    made = Bucket(root)
    for path in (*OF_WINDOW, ENTRIES.replace("03-10", "03-09"), ENTRIES.replace("03-10", "03-12")):
        made.put(path)
    return made


def killed_at(objects: dict[str, tuple[bytes, datetime]], lake: Path, number: int) -> None:
    """Pulls these objects, and is killed as it asks for the one of this number."""
    bucket, calls = Bucket(), itertools.count(1)
    bucket.objects = objects

    def die(path: str) -> None:
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    bucket.before = die
    pull(bucket, lake, WINDOW)


def here(lake: Path) -> list[str]:
    """Every file in the lake but the lock."""
    return sorted(path.relative_to(lake).as_posix() for path in lake.rglob("*")
                  if path.is_file() and path.name != ".pull.lock")


def listed(lake: Path) -> dict[str, dict[str, Any]]:
    """Rows of lake_files by path."""
    return {row["path"]: row for row in pq.ParquetFile(lake / PATH).read().to_pylist()}
