"""lake_files of a pulled lake: what was brought from where, by which a run knows digests and landings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table
from recon.pull.remote import PullRefused, Remote

PATH = "lake_files/part-0.parquet"
_OWN = [pa.field("size_bytes", pa.int64()), pa.field("etag", pa.string()), pa.field("source", pa.string())]
_SCHEMA = pa.schema([*arrow_schema(table("lake_files")), *_OWN])


@dataclass(frozen=True, slots=True)
class Brought:
    """An object that lies here: as S3 had it, with the hex SHA-256 of its bytes and its rows."""

    remote: Remote
    digest: str
    rows: int


def read(lake: Path, source: str) -> dict[str, Brought]:
    """What earlier pulls brought from `source`, by path; empty where there was none.

    Raises PullRefused for a listing that no pull has written, or one of another source.
    """
    path = lake / PATH
    if not path.exists():
        return {}
    try:
        rows = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise PullRefused(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}; remove it to have the lake "
                          "listed anew") from None
    if not set(_SCHEMA.names) <= set(rows.column_names):
        raise PullRefused(f"{path} was not written by a pull, as the lake of a world is not; name another folder")
    others = sorted({str(row) for row in rows["source"].to_pylist()} - {source})
    if others:
        raise PullRefused(f"lake {lake} holds objects of {others[0]}; name another folder for those of {source}")
    return {row["path"]: Brought(
        Remote(row["table"], row["path"], row["size_bytes"], row["etag"], row["landed_at"].replace(tzinfo=UTC)),
        row["digest"], row["rows"]) for row in rows.to_pylist()}


def write(lake: Path, scratch: Path, source: str, brought: Mapping[str, Brought]) -> None:
    """Replaces the listing in one piece. None is written where nothing was ever brought."""
    if not brought:
        return
    rows = [{"table": item.remote.table, "path": path, "digest": item.digest, "rows": item.rows,
             "landed_at": _naive(item.remote.landed_at), "size_bytes": item.remote.size_bytes,
             "etag": item.remote.etag, "source": source} for path, item in sorted(brought.items())]
    made = scratch / "lake_files.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), made)
    (lake / PATH).parent.mkdir(exist_ok=True)
    os.replace(made, lake / PATH)


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)
