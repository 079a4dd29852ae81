"""The lake as a list of objects: which Parquet files of a table count for some days and a state of knowledge."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.schemas import ledger
from pipeline.schemas.columns import Table
from pipeline.schemas.tables import table as declared
from recon.errors import Refused
from recon.store.open import open_store
from recon.store.port import Absent, Entry, Store

KNOWN_BY_OBJECT = frozenset(table.name for table in ledger.TABLES)
"""Tables whose knowledge is per object (`landed_at`); the others carry received_at in their rows."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_AT_ONCE = 16
"""Listings and reads under way at a time: on S3 each is a round trip."""

_PARTS = 128
"""Into how many tasks they are parted at most, so that none keeps the others waiting at the end."""

_LISTING_COLUMNS = ["table", "path", "digest", "rows", "landed_at"]
_LISTING_REQUIRED = {"table", "path", "landed_at"}


class LakeRefused(Refused):
    """The folder is no lake, or lacks what was asked of it."""


@dataclass(frozen=True, slots=True)
class LakeObject:
    """One Parquet file: `path` relative to the lake with '/', `landed_at` aware UTC, `rows` and `digest` where listed.

    `size_bytes` and `etag` are the store's own, where it has them.
    """

    table: str
    path: str
    rows: int | None
    digest: str | None
    landed_at: datetime
    size_bytes: int | None = None
    etag: str | None = None


class Lake:
    """Objects of the declared tables below one root. Listings are read when asked for, never kept between calls."""

    def __init__(self, root: str | Path, store: Store | None = None) -> None:
        """`root` is a folder or s3://bucket/prefix. Raises Refused where there is none."""
        self._store = store or open_store(root)
        self.root = self._store.root

    def objects(self, table: str, *, dt_from: date | None = None, dt_until: date | None = None,
                known_at: datetime | None = None) -> list[LakeObject]:
        """Objects of `table`, sorted by path; none where the table has no folder.

        `dt_from`, `dt_until` (half-open) keep to partitions of these days without listing others. `known_at` keeps
        what landed before it, in the pipeline's tables only. What lake_files lists and the folder lacks is not among
        them: see lost().
        """
        shape = declared(table)
        listed = self._listed(table, dt_from, dt_until) if table in KNOWN_BY_OBJECT else {}
        found = [_object(table, path, entry, listed.get(path))
                 for path, entry in sorted(self._walk(shape, dt_from, dt_until), key=lambda item: item[0])]
        if known_at is None or table not in KNOWN_BY_OBJECT:
            return found
        return [item for item in found if item.landed_at < known_at]

    def lost(self, table: str, *, dt_from: date | None = None, dt_until: date | None = None) -> list[LakeObject]:
        """Objects that lake_files lists and the folder lacks, sorted by path.

        A hole, to be told by control totals and by name; never a reason to call money missing.
        """
        present = {path for path, _ in self._walk(declared(table), dt_from, dt_until)}
        listed = self._listed(table, dt_from, dt_until)
        return [listed[path] for path in sorted(listed) if path not in present and _in_range(path, dt_from, dt_until)]

    def require(self, table: str) -> None:
        """Raises LakeRefused naming the expected folder when the lake has no such table."""
        shape = declared(table)
        if self._store.entries(table) is None:
            inside = "".join(f"{column.name}={_example(column.name)}/" for column in shape.partitions)
            raise LakeRefused(f"no table {table} in lake {self.root}: expected folder {self.root}/{table}/{inside} "
                              "with Parquet files")

    def digests(self, objects: Sequence[LakeObject]) -> list[str]:
        """What tells each object's bytes from any other's, in order: hex SHA-256 as listed, else `etag:` and the
        store's entity tag, else SHA-256 of the bytes that lie there."""
        return self._each(objects, lambda item: item.digest or self._stored(item))

    def changed(self, objects: Sequence[LakeObject], digests: Sequence[str]) -> list[LakeObject]:
        """Those of `objects` whose bytes are no longer what the digests (of whatever kind) say. Reads them."""
        seen = self._each(list(zip(objects, digests, strict=True)), lambda pair: self._same(*pair))
        return [item for item, same in zip(objects, seen, strict=True) if not same]

    def manifest_entries(self, objects: Sequence[LakeObject]) -> list[dict[str, Any]]:
        """Objects as JSON-ready {table, path, rows, digest, landed_at, size_bytes}: what a manifest lists."""
        return [{"table": item.table, "path": item.path, "rows": item.rows, "digest": digest,
                 "landed_at": item.landed_at.isoformat().replace("+00:00", "Z"), "size_bytes": item.size_bytes}
                for item, digest in zip(objects, self.digests(objects), strict=True)]

    def text(self, path: str) -> bytes | None:
        """The bytes of a small file of the lake that is no table, such as its policy; None where there is none."""
        try:
            return self._store.read(path)
        except Absent:
            return None

    def _stored(self, item: LakeObject) -> str:
        return f"etag:{item.etag}" if item.etag else hashlib.sha256(self._store.read(item.path)).hexdigest()

    def _same(self, item: LakeObject, digest: str) -> bool:
        if not digest.startswith("etag:"):
            return hashlib.sha256(self._store.read(item.path)).hexdigest() == digest
        # The tag of an object that was put in one piece is the MD5 of its bytes.
        held = item.etag or hashlib.md5(self._store.read(item.path), usedforsecurity=False).hexdigest()
        return digest == f"etag:{held}"

    @staticmethod
    def _each(items: Sequence[_In], one: Callable[[_In], _Out]) -> list[_Out]:
        # Thousands are handed out in parts: a task for each costs more than to look at it.
        size = 1 + len(items) // _PARTS
        parts = [items[start:start + size] for start in range(0, len(items), size)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return [found for some in pool.map(lambda part: [one(item) for item in part], parts) for found in some]

    def _listed(self, table: str, dt_from: date | None, dt_until: date | None) -> dict[str, LakeObject]:
        """What lake_files says of `table`, by path; the earliest landing where two listings name one object.

        Of other days than the half-open range what is there may be left out.
        """
        found: dict[str, LakeObject] = {}
        for path, _ in self._walk(declared("lake_files"), None, None):
            for row in _listing_rows(path, self._store.read(path), table, dt_from, dt_until):
                landed: datetime = row["landed_at"]
                landed = landed.replace(tzinfo=UTC) if landed.tzinfo is None else landed.astimezone(UTC)
                item = LakeObject(table, row["path"], row.get("rows"), row.get("digest"), landed)
                known = found.get(item.path)
                if known is None or item.landed_at < known.landed_at:
                    found[item.path] = item
        return found

    def _walk(self, table: Table, dt_from: date | None, dt_until: date | None) -> Iterator[tuple[str, Entry]]:
        """(path, entry) of the Parquet files at the depth of the table's partitions.

        Folders are listed one level at a time down to the days, where whole days are left out, and each day at once.
        """
        names = [column.name for column in table.partitions]
        by_folder = names[:names.index("dt") + 1] if "dt" in names else []
        folders = [table.name]
        for name in by_folder:
            folders = [f"{folder}/{entry.name}"
                       for folder, found in zip(folders, self._each(folders, self._store.entries), strict=True)
                       for entry in found or () if entry.folder and entry.name.startswith(f"{name}=")]
            folders = [folder for folder in folders if _in_range(folder, dt_from, dt_until)]
        below = names[len(by_folder):]
        for folder, found in zip(folders, self._each(folders, lambda day: self._store.files(day, len(below))),
                                 strict=True):
            for entry in found:
                *parts, file = entry.name.split("/")
                fits = all(part.startswith(f"{name}=") for part, name in zip(parts, below, strict=True))
                if fits and file.endswith(".parquet") and file[0] not in "._":
                    yield f"{folder}/{entry.name}", entry


def _listing_rows(path: str, body: bytes, table: str, dt_from: date | None,
                  dt_until: date | None) -> list[dict[str, Any]]:
    """Rows of one lake_files object that speak of `table` and of these days. Raises LakeRefused naming the object."""
    try:
        file = pq.ParquetFile(io.BytesIO(body))
        rows = file.read(columns=[name for name in file.schema_arrow.names if name in _LISTING_COLUMNS])
    except (pa.ArrowException, OSError) as error:
        raise LakeRefused(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from None
    missing = sorted(_LISTING_REQUIRED - set(rows.column_names))
    if missing:
        raise LakeRefused(f"{path} lacks {', '.join(missing)}; a listing has {', '.join(_LISTING_COLUMNS)}")
    wanted = pc.field("table") == table
    # A month of hours is told apart as text, before it becomes Python's.
    if dt_from is not None:
        wanted &= pc.field("path") >= f"{table}/dt={dt_from}"
    if dt_until is not None:
        wanted &= pc.field("path") < f"{table}/dt={dt_until}"
    found: list[dict[str, Any]] = rows.filter(wanted).to_pylist()
    return found


def _object(table: str, path: str, entry: Entry, listed: LakeObject | None) -> LakeObject:
    if listed is None:
        return LakeObject(table, path, None, None, _utc(entry.modified_ms), entry.size_bytes, entry.etag)
    return replace(listed, size_bytes=entry.size_bytes, etag=entry.etag)


def _utc(milliseconds: int) -> datetime:
    seconds, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def _example(partition: str) -> str:
    return {"dt": "YYYY-MM-DD", "hr": "HH"}.get(partition, partition.upper())


def _in_range(path: str, dt_from: date | None, dt_until: date | None) -> bool:
    """Whether the `dt=` folder of `path`, if it has one, lies in the half-open range."""
    if dt_from is None and dt_until is None:
        return True
    for part in path.split("/"):
        if part.startswith("dt="):
            try:
                day = date.fromisoformat(part[3:])
            except ValueError:
                raise LakeRefused(f"{path}: a folder dt=YYYY-MM-DD was expected") from None
            return (dt_from is None or dt_from <= day) and (dt_until is None or day < dt_until)
    return True
