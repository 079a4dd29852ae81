"""The lake as a list of objects: which Parquet files of a table count for some days and a state of knowledge."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.schemas import ledger
from pipeline.schemas.columns import Table
from pipeline.schemas.tables import table as declared
from recon.errors import Refused

KNOWN_BY_OBJECT = frozenset(table.name for table in ledger.TABLES)
"""Tables whose knowledge is per object (`landed_at`); the others carry received_at in their rows."""

_LISTING_COLUMNS = ["table", "path", "digest", "rows", "landed_at"]
_LISTING_REQUIRED = {"table", "path", "landed_at"}


class LakeRefused(Refused):
    """The folder is no lake, or lacks what was asked of it."""


@dataclass(frozen=True, slots=True)
class LakeObject:
    """One Parquet file: `path` relative to the lake with '/', `landed_at` aware UTC, the rest where listed."""

    table: str
    path: str
    rows: int | None
    digest: str | None
    landed_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder of the store; `modified_ms` counts milliseconds since 1970 UTC."""

    name: str
    folder: bool
    modified_ms: int


class Store(Protocol):
    """Where a lake's bytes lie. Paths are relative to the lake's root, with '/'."""

    root: str

    def entries(self, folder: str) -> list[Entry] | None:
        """What lies directly in `folder`, or None when there is no such folder."""
        ...

    def read(self, path: str) -> bytes:
        """All bytes of one object."""
        ...


class LocalStore:
    """A lake in a folder of this machine."""

    def __init__(self, root: str | Path) -> None:
        if str(root).startswith("s3:"):
            raise LakeRefused(f"{root}: a lake on S3 is not read directly; give a local folder (see recon pull)")
        path = Path(root)
        if not path.is_dir():
            raise LakeRefused(f"no lake at {root}: expected a folder that holds one folder per table, e.g. "
                              f"{path / 'ledger_entries' / 'dt=YYYY-MM-DD' / 'hr=HH'}")
        self.root = path.absolute().as_posix().rstrip("/")

    def entries(self, folder: str) -> list[Entry] | None:
        """See Store."""
        try:
            with os.scandir(f"{self.root}/{folder}") as found:
                return [_entry(item) for item in found]
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, path: str) -> bytes:
        """See Store."""
        try:
            return Path(f"{self.root}/{path}").read_bytes()
        except FileNotFoundError:
            raise LakeRefused(f"{path} is gone from lake {self.root}") from None


class Lake:
    """Objects of the declared tables below one root. Listings are read when asked for, never kept between calls."""

    def __init__(self, root: str | Path, store: Store | None = None) -> None:
        """Raises LakeRefused where `root` is not a folder."""
        self._store = store or LocalStore(root)
        self.root = self._store.root

    def objects(self, table: str, *, dt_from: date | None = None, dt_until: date | None = None,
                known_at: datetime | None = None) -> list[LakeObject]:
        """Objects of `table`, sorted by path; none where the table has no folder.

        `dt_from`, `dt_until` (half-open) keep to partitions of these days without listing others. `known_at` keeps
        what landed before it, in the pipeline's tables only. What lake_files lists and the folder lacks is not among
        them: see lost().
        """
        shape = declared(table)
        listed = self._listed(table) if table in KNOWN_BY_OBJECT else {}
        present = {path: modified for path, modified in self._walk(shape, dt_from, dt_until)}
        found = [listed.get(path) or LakeObject(table, path, None, None, _utc(modified))
                 for path, modified in sorted(present.items())]
        if known_at is None or table not in KNOWN_BY_OBJECT:
            return found
        return [item for item in found if item.landed_at < known_at]

    def lost(self, table: str, *, dt_from: date | None = None, dt_until: date | None = None) -> list[LakeObject]:
        """Objects that lake_files lists and the folder lacks, sorted by path.

        A hole, to be told by control totals and by name; never a reason to call money missing.
        """
        present = {path for path, _ in self._walk(declared(table), dt_from, dt_until)}
        listed = self._listed(table)
        return [listed[path] for path in sorted(listed) if path not in present and _in_range(path, dt_from, dt_until)]

    def require(self, table: str) -> None:
        """Raises LakeRefused naming the expected folder when the lake has no such table."""
        shape = declared(table)
        if self._store.entries(table) is None:
            inside = "".join(f"{column.name}={_example(column.name)}/" for column in shape.partitions)
            raise LakeRefused(f"no table {table} in lake {self.root}: expected folder {self.root}/{table}/{inside} "
                              "with Parquet files")

    def digests(self, objects: Sequence[LakeObject], *, from_bytes: bool = False) -> list[str]:
        """Hex SHA-256 of each object, in order: as listed, else (or with `from_bytes`) of the bytes that lie there."""
        def one(item: LakeObject) -> str:
            if item.digest and not from_bytes:
                return item.digest
            return hashlib.sha256(self._store.read(item.path)).hexdigest()

        with ThreadPoolExecutor() as pool:
            return list(pool.map(one, objects))

    def manifest_entries(self, objects: Sequence[LakeObject], *, from_bytes: bool = False) -> list[dict[str, Any]]:
        """Objects as JSON-ready {table, path, rows, digest, landed_at}: what a manifest lists and a repeat compares."""
        return [asdict(item) | {"digest": digest, "landed_at": item.landed_at.isoformat().replace("+00:00", "Z")}
                for item, digest in zip(objects, self.digests(objects, from_bytes=from_bytes), strict=True)]

    def _listed(self, table: str) -> dict[str, LakeObject]:
        """What lake_files says of `table`, by path; the earliest landing where two listings name one object."""
        found: dict[str, LakeObject] = {}
        for path, _ in self._walk(declared("lake_files"), None, None):
            for row in _listing_rows(path, self._store.read(path), table):
                landed: datetime = row["landed_at"]
                landed = landed.replace(tzinfo=UTC) if landed.tzinfo is None else landed.astimezone(UTC)
                item = LakeObject(table, row["path"], row.get("rows"), row.get("digest"), landed)
                known = found.get(item.path)
                if known is None or item.landed_at < known.landed_at:
                    found[item.path] = item
        return found

    def _walk(self, table: Table, dt_from: date | None, dt_until: date | None) -> Iterator[tuple[str, int]]:
        """(path, modified_ms) of the Parquet files at the depth of the table's partitions."""
        folders = [table.name]
        for column in table.partitions:
            deeper = []
            for folder in folders:
                for entry in self._store.entries(folder) or ():
                    path = f"{folder}/{entry.name}"
                    if entry.folder and entry.name.startswith(f"{column.name}=") and _in_range(path, dt_from, dt_until):
                        deeper.append(path)
            folders = deeper
        for folder in folders:
            for entry in self._store.entries(folder) or ():
                if not entry.folder and entry.name.endswith(".parquet") and entry.name[0] not in "._":
                    yield f"{folder}/{entry.name}", entry.modified_ms


def _listing_rows(path: str, body: bytes, table: str) -> list[dict[str, Any]]:
    """Rows of one lake_files object that speak of `table`. Raises LakeRefused naming the object."""
    try:
        file = pq.ParquetFile(io.BytesIO(body))
        rows = file.read(columns=[name for name in file.schema_arrow.names if name in _LISTING_COLUMNS])
    except (pa.ArrowException, OSError) as error:
        raise LakeRefused(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from None
    missing = sorted(_LISTING_REQUIRED - set(rows.column_names))
    if missing:
        raise LakeRefused(f"{path} lacks {', '.join(missing)}; a listing has {', '.join(_LISTING_COLUMNS)}")
    found: list[dict[str, Any]] = rows.filter(pc.field("table") == table).to_pylist()
    return found


def _entry(item: os.DirEntry[str]) -> Entry:
    folder = item.is_dir()
    return Entry(item.name, folder, 0 if folder else item.stat().st_mtime_ns // 1_000_000)


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
