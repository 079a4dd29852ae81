"""The files that a measurement leaves: latency.parquet and summary.json."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq

from recon.latency.result import LatencyResult

FILES = ("latency.parquet", "summary.json")


def write(result: LatencyResult, folder: Path) -> None:
    """Write FILES into `folder`. The same result gives the same bytes, but for the summary's seconds."""
    pq.write_table(result.figures, folder / FILES[0], compression="snappy", store_schema=False)
    text = json.dumps(result.summary, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / FILES[1]).write_text(text + "\n", encoding="utf-8")
