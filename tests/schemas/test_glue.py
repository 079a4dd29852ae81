"""What Glue is told of a table: where its files lie and which partitions there can be."""

from __future__ import annotations

import re

import pytest

from pipeline.schemas.columns import Column, Table, Type
from pipeline.schemas.render import glue_columns, glue_projection, glue_storage
from pipeline.schemas.tables import TABLES, table

PARTITIONED = [declared for declared in TABLES.values() if declared.partitions]
LOCATION = "s3://bucket/lake/table"


@pytest.mark.parametrize("declared", PARTITIONED, ids=lambda declared: declared.name)
def test_every_partition_column_is_projected_to_its_folder(declared: Table) -> None:
    parameters = glue_projection(declared, LOCATION)
    assert parameters["projection.enabled"] == "true"
    named = {match[1] for match in (re.fullmatch(r"projection\.(\w+)\.type", name) for name in parameters) if match}
    assert named == {column.name for column in declared.partitions}
    folders = "/".join(f"{column.name}=${{{column.name}}}" for column in declared.partitions)
    assert parameters["storage.location.template"] == f"{LOCATION}/{folders}"
    assert glue_projection(declared, LOCATION + "/") == parameters


def test_hours_have_two_digits_and_days_reach_past_today() -> None:
    parameters = glue_projection(table("ledger_entries"), LOCATION)
    assert (parameters["projection.hr.range"], parameters["projection.hr.digits"]) == ("0,23", "2")
    assert parameters["projection.dt.range"] == "2020-01-01,NOW+2DAYS"


def test_a_table_without_partitions_is_not_projected() -> None:
    assert glue_projection(table("batches"), LOCATION) == {}


def test_an_unheard_of_partition_column_is_refused() -> None:
    column = Column("region", Type.STRING, "a region")
    with pytest.raises(KeyError, match="region"):
        glue_projection(Table("t", "d", "g", "w", (column,), ("region",), (column,)), LOCATION)


def test_storage_is_parquet_and_says_what_readers_ask_for() -> None:
    columns = glue_columns(table("batches").columns)
    storage = glue_storage(columns, LOCATION)
    assert storage["Columns"] == columns
    assert storage["Location"] == LOCATION
    assert "Parquet" in storage["SerdeInfo"]["SerializationLibrary"]
    assert {"NumberOfBuckets", "Compressed", "BucketColumns", "SortColumns", "Parameters"} <= storage.keys()
