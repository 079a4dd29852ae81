"""Into the lake, atomically per file: everything under a temporary name first, the feed_files row last.

The row is what makes a file exist. What a killed ingest left before it is overwritten by the next one, because names
follow from the file's digest.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.schemas.columns import Table
from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table
from recon.errors import Refused
from recon.feeds.faults import Fault

_BATCH_ROWS = 131_072
_WRITERS = 2
_AT_ONCE = 50_000
"""Rows up to which a file is fetched once and split by day, instead of once per day."""
_UNLIKE = frozenset({"line_id", "native_id", "payment_ref", "gateway_ref", "charge_ref", "operation_ref"})


@contextmanager
def locked(lake: Path) -> Iterator[Path]:
    """Let one ingest write to a lake at a time; the others wait. Yields a scratch folder, removed at the end."""
    try:
        lake.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"lake {lake}: {error.strerror}; accepted: a folder that can be written") from None
    with (lake / ".ingest.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        scratch = lake / ".ingest"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def write_lines(
    con: duckdb.DuckDBPyConnection, lake: Path, scratch: Path, name: str, facts: Mapping[str, Any]
) -> list[Path]:
    """Write table `lines` to lake table `name`, one file per UTC day of occurred_at. `facts` is the feed_files row."""
    declared = table(name)
    schema, select = arrow_schema(declared), _lines_sql(declared, facts)

    def write(day: date, reader: pa.RecordBatchReader) -> Path:
        path: Path = lake / name / f"gateway={facts['gateway']}" / f"dt={day}" / f"{facts['file_id']}.parquet"
        _write(reader, schema, scratch / f"{day}.parquet", path)
        return path

    if facts["rows"] <= _AT_ONCE:
        rows = con.cursor().sql(select).to_arrow_table()
        dates = rows["occurred_at"].cast(pa.date32())
        return [write(day, rows.filter(pc.equal(dates, day)).to_reader()) for day in sorted(set(dates.to_pylist()))]

    def stream(day: date) -> Path:
        until = day + timedelta(days=1)
        wanted = f"{select} WHERE occurred_at >= TIMESTAMP '{day}' AND occurred_at < TIMESTAMP '{until}'"
        return write(day, con.cursor().sql(wanted).to_arrow_reader(_BATCH_ROWS))

    days = [day for (day,) in con.execute("SELECT DISTINCT CAST(occurred_at AS DATE) FROM lines ORDER BY 1").fetchall()]
    with ThreadPoolExecutor(_WRITERS) as pool:
        return list(pool.map(stream, days))


def write_batches(
    con: duckdb.DuckDBPyConnection, lake: Path, scratch: Path, query: str, facts: Mapping[str, Any]
) -> Path | None:
    """Write what the file says about batches; None when it says nothing."""
    said = "gateway file_id report_type role received_at recorded_at".split()
    known = ", ".join(f"{_literal(facts[name])} AS {name}" for name in said)
    declared = table("batches")
    columns = ", ".join(f'"{column.name}"' for column in declared.columns)
    rows = con.cursor().sql(f"SELECT {columns} FROM (SELECT *, {known} FROM ({query}))").to_arrow_table()
    if not rows.num_rows:
        return None
    path: Path = lake / "batches" / f"{facts['file_id']}.parquet"
    schema = arrow_schema(declared)
    _write(rows.cast(_nullable(schema)).to_reader(), schema, scratch / "batches.parquet", path)
    return path


def write_row(lake: Path, scratch: Path, facts: Mapping[str, Any]) -> None:
    """Write the feed_files row: from here on the file exists."""
    schema = arrow_schema(table("feed_files"))
    rows = pa.Table.from_pylist([dict(facts)], schema=schema)
    stamp = facts["recorded_at"].strftime("%Y%m%dT%H%M%S") + f"{facts['recorded_at'].microsecond // 1000:03d}"
    path = lake / "feed_files" / f"{stamp}-{facts['file_id'][:16]}.parquet"
    _write(rows.to_reader(), schema, scratch / "feed_file.parquet", path)


def keep_raw(lake: Path, copy: Path, file_id: str) -> None:
    """Keep the file's bytes under its digest."""
    path = lake / "raw" / file_id
    path.parent.mkdir(exist_ok=True)
    os.replace(copy, path)


def keep_aside(lake: Path, copy: Path, facts: Mapping[str, Any], faults: Sequence[Fault], total: int) -> Path:
    """Keep a refused file with its reasons; returns the folder."""
    folder: Path = lake / "refused" / facts["file_id"]
    folder.mkdir(parents=True, exist_ok=True)
    reasons = {
        "name": facts["name"], "file_id": facts["file_id"], "received_at": f"{facts['received_at'].isoformat()}Z",
        "faults_total": total, "faults": [asdict(fault) for fault in faults],
    }  # fmt: skip
    beside = folder / ".reasons.json"
    beside.write_text(json.dumps(reasons, ensure_ascii=False, indent=1), encoding="utf-8")
    os.replace(copy, folder / "file")
    os.replace(beside, folder / "reasons.json")
    return folder


def remove_orphans(lake: Path, file_id: str) -> None:
    """Remove what a killed ingest wrote of this file before it came to the row."""
    for name in ("settlement_lines", "status_lines"):
        for path in (lake / name).glob(f"gateway=*/dt=*/{file_id}.parquet"):
            path.unlink()
    (lake / "batches" / f"{file_id}.parquet").unlink(missing_ok=True)


def _lines_sql(declared: Table, facts: Mapping[str, Any]) -> str:
    account_key = f"concat({_literal(facts['gateway'])}, chr(10), gateway_account, chr(10), native_id)"
    later = {name: _literal(facts[name]) for name in ("file_id", "report_type", "received_at", "recorded_at")}
    later["line_id"] = f"sha256({account_key})"
    columns = []
    for column in declared.columns:
        sql = later.get(column.name, f'"{column.name}"')
        if column.type.value == "timestamp":
            sql = f"CAST({sql} AS TIMESTAMP_MS)"
        columns.append(f'{sql} AS "{column.name}"')
    return f"SELECT {', '.join(columns)} FROM lines"


def _write(reader: pa.RecordBatchReader, schema: pa.Schema, temporary: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A dictionary of values that never repeat is only built to be thrown away.
    repeated = [f.name for f in schema if pa.types.is_string(f.type) and f.name not in _UNLIKE]
    writes: dict[str, Any] = {"compression": "snappy", "use_dictionary": repeated}
    with pq.ParquetWriter(temporary, schema, **writes) as writer:
        for batch in reader:
            # The columns are the declared ones already; only which of them may be null is not in the engine's schema.
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
    os.replace(temporary, path)


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])


def _literal(value: object) -> str:
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"
