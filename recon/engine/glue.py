"""What Glue is told of a folder of Parquet files."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from pipeline.schemas.render import glue_storage
from recon.engine.types import glue_type


def parquet_table(name: str, schema: pa.Schema, location: str) -> dict[str, Any]:
    """Glue's TableInput of an external table over `location`, without partitions."""
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "StorageDescriptor": glue_storage(
            [{"Name": field.name, "Type": glue_type(field.type)} for field in schema], location),
    }
