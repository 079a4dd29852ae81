"""infra/lake_tables.yaml is what pipeline/schemas says, and with lake.yaml Glue knows every table."""

from __future__ import annotations

from typing import Any

import pytest

from infra.lake_tables import OUT, render, resource_name, tables
from infra.local.deploy import INFRA, read
from pipeline.schemas.columns import Table
from pipeline.schemas.render import glue_projection, glue_storage, glue_table
from pipeline.schemas.tables import DATABASE, TABLES

TEMPLATE = read(OUT)
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]


def substituted(value: Any) -> Any:
    """The value with the bucket's name in place."""
    if isinstance(value, dict) and list(value) == ["Fn::Sub"]:
        return str(value["Fn::Sub"]).replace("${LakeBucketName}", "BUCKET").replace("${!", "${")
    if isinstance(value, dict):
        return {name: substituted(inner) for name, inner in value.items()}
    return [substituted(inner) for inner in value] if isinstance(value, list) else value


def test_the_file_is_what_the_schemas_say() -> None:
    assert OUT.read_text(encoding="utf-8") == render(), "run: .venv/bin/python -m infra.lake_tables"


@pytest.mark.parametrize("table", tables(), ids=lambda table: str(table.name))
def test_what_is_written_reads_as_the_declared_table(table: Table) -> None:
    declared = substituted(RESOURCES[resource_name(table)]["Properties"]["TableInput"])
    location = f"s3://BUCKET/{table.name}"
    wanted, storage = glue_table(table), glue_storage(glue_table(table)["Columns"], location)
    assert (declared["Name"], declared["Description"]) == (table.name, wanted["Description"])
    assert declared["PartitionKeys"] == wanted["PartitionKeys"]
    assert declared["Parameters"] == {
        "EXTERNAL": "TRUE", "classification": "parquet", **glue_projection(table, location)}  # fmt: skip
    for name in ("Columns", "Location", "InputFormat", "OutputFormat"):
        assert declared["StorageDescriptor"][name] == storage[name]


def test_both_templates_together_declare_every_table_once_and_in_one_database() -> None:
    lake = read(INFRA / "lake.yaml")
    ours = [r["Properties"]["TableInput"]["Name"] for r in RESOURCES.values()]
    theirs = [r["Properties"]["TableInput"]["Name"] for r in lake["Resources"].values()
              if r["Type"] == "AWS::Glue::Table"]
    assert sorted(ours + theirs) == sorted(TABLES)
    assert TEMPLATE["Parameters"]["LakeDatabase"]["Default"] == DATABASE
