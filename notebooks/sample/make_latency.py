"""Makes the latency notebook's lake anew, from the lake that a run of the deployed pipeline has left.

Run from the repository's root: `python notebooks/sample/make_latency.py LAKE`, then `python -m recon.schedule.refresh
latency` for the outputs of the notebook, whose `since` and `until` must be days of that lake. Every payment that
something happened to is kept, and of the plain ones the first of each gateway and hour: real events, fewer of them.
"""

from __future__ import annotations

import shutil
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table
from recon.lake import Lake

HERE = Path(__file__).resolve().parent
PLAIN = 15
"""Payments of each gateway and hour that nothing happened to."""
TABLES = ("payment_states", "payment_events", "settlement_lines")


def main(source: Path, made: Path) -> int:
    """Writes the sample of `source` into `made`, which it replaces; the number of payments kept."""
    rows = {name: _read(source, name) for name in TABLES}
    kept = _chosen(rows["payment_states"], rows["payment_events"])
    shutil.rmtree(made, ignore_errors=True)
    for name in TABLES:
        shape = table(name)
        places: dict[Path, list[pa.Table]] = defaultdict(list)
        for folder, found in rows[name]:
            if name == "settlement_lines":
                of_kept = pc.field("payment_ref").isin([str(one) for one in sorted(kept)])
                wanted = (pc.field("kind") == "charge") & of_kept
            else:
                wanted = pc.field("payment_id").isin(sorted(kept))
            places[folder].append(found.filter(wanted))
        for folder, parts in places.items():
            whole = pa.concat_tables(parts).select(arrow_schema(shape).names)
            if whole.num_rows:
                _write(whole, made / folder / "sample.parquet")
    return len(kept)


def _read(lake: Path, name: str) -> list[tuple[Path, pa.Table]]:
    """Objects of a table as the lake declares it, each with its folder."""
    schema, found = arrow_schema(table(name)), []
    for item in Lake(lake).objects(name):
        rows = pq.ParquetFile(lake / item.path).read()
        lacking = [field for field in schema if field.name not in rows.column_names]
        for field in lacking:
            rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
        found.append((Path(item.path).parent, rows.select(schema.names).cast(schema)))
    return found


def _chosen(states: list[tuple[Path, pa.Table]], events: list[tuple[Path, pa.Table]]) -> set[int]:
    troubled = {row["payment_id"] for _, rows in events for row in rows.to_pylist()
                if row["outcome"] not in ("started", "succeeded") or (row["attempt"] or 1) > 1}
    entered: list[dict[str, Any]] = [row for _, rows in states for row in rows.to_pylist() if row["version"] == 1]
    plain: dict[tuple[str, str], set[int]] = defaultdict(set)
    for row in sorted(entered, key=lambda row: (row["event_at"], row["payment_id"])):
        held = plain[row["gateway"], f"{row['event_at']:%Y-%m-%d %H}"]
        if row["payment_id"] not in troubled and len(held) < PLAIN:
            held.add(row["payment_id"])
    return troubled.union(*plain.values())


def _write(rows: pa.Table, path: Path) -> None:
    """With the least overhead that Parquet allows, since each holds few rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows.replace_schema_metadata(None), path, compression="zstd", compression_level=19,
                   use_dictionary=True, write_statistics=False, store_schema=False)


if __name__ == "__main__":
    count = main(Path(sys.argv[1]), HERE / "latency")
    size = sum(path.stat().st_size for path in (HERE / "latency").rglob("*.parquet"))
    sys.stdout.write(f"{count} payments, {size:,} bytes\n")
