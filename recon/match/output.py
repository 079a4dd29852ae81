"""Writing a run down: four files that appear together or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from recon.match.result import RunResult

FILES = ("divergences.parquet", "matches.parquet", "summary.json", "manifest.json")


def write(result: RunResult, out: str | Path) -> list[Path]:
    """Write the run's files into `out` (made if absent), each replaced in one step; summary.json comes last.

    The same result gives the same bytes. Returns the paths.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        _parquet(result.divergences, scratch / FILES[0])
        _parquet(result.matches, scratch / FILES[1])
        _json(result.summary, scratch / FILES[2])
        _json(result.manifest, scratch / FILES[3])
        for name in (FILES[0], FILES[1], FILES[3], FILES[2]):
            os.replace(scratch / name, folder / name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return [folder / name for name in FILES]


def _parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="snappy", store_schema=False, row_group_size=1 << 20)


def _json(value: Any, path: Path) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
