"""infra/lake_tables.yaml from pipeline/schemas: `python -m infra.lake_tables` writes it anew.

The pipeline's own tables are in lake.yaml beside the streams that convert with them; these are all the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.schemas.columns import Table
from pipeline.schemas.render import glue_projection, glue_storage, glue_table
from pipeline.schemas.tables import TABLES

OUT = Path(__file__).with_name("lake_tables.yaml")
BY_OTHERS = ("payment_states", "payment_events", "ledger_entries", "ledger_control")
"""What lake.yaml declares."""

_BUCKET = "${LakeBucketName}"
_HEAD = """\
# Made by `python -m infra.lake_tables` from pipeline/schemas; edit there.
AWSTemplateFormatVersion: "2010-09-09"
Description: What readers know of the lake beside the pipeline's own tables. Settlement files, references, breaks.

Parameters:
  LakeBucketName: {Type: String, Description: An output of lake.yaml.}
  LakeDatabase: {Type: String, Default: payments_lake, Description: Glue database of lake.yaml.}

Resources:
"""


def tables() -> list[Table]:
    """The tables that this template declares, in the order of pipeline/schemas."""
    return [table for name, table in TABLES.items() if name not in BY_OTHERS]


def render() -> str:
    """The whole template as text; the same for the same schemas."""
    return _HEAD + "\n".join("\n".join(_resource(table)) + "\n" for table in tables())


def resource_name(table: Table) -> str:
    """A table's name among the template's resources."""
    return "".join(word.capitalize() for word in table.name.split("_")) + "Table"


def _resource(table: Table) -> Iterator[str]:
    location = f"s3://{_BUCKET}/{table.name}"
    glue = glue_table(table)
    storage = glue_storage(glue["Columns"], location)
    yield f"  {resource_name(table)}:"
    yield "    Type: AWS::Glue::Table"
    yield "    Properties:"
    yield "      CatalogId: !Ref AWS::AccountId"
    yield "      DatabaseName: !Ref LakeDatabase"
    yield "      TableInput:"
    yield f"        Name: {table.name}"
    yield f"        Description: {_text(glue['Description'])}"
    yield "        TableType: EXTERNAL_TABLE"
    yield from _columns("        PartitionKeys:", glue["PartitionKeys"])
    yield "        Parameters:"
    yield '          EXTERNAL: "TRUE"'
    yield "          classification: parquet"
    for name, value in glue_projection(table, location).items():
        yield f"          {name}: {_substituted(value) if _BUCKET in value else _text(value)}"
    yield "        StorageDescriptor:"
    yield f"          Location: {_substituted(location)}"
    yield f"          InputFormat: {storage['InputFormat']}"
    yield f"          OutputFormat: {storage['OutputFormat']}"
    yield f"          SerdeInfo: {{SerializationLibrary: {storage['SerdeInfo']['SerializationLibrary']}}}"
    yield from _columns("          Columns:", glue["Columns"])


def _columns(head: str, columns: Iterable[dict[str, str]]) -> Iterator[str]:
    lines = [f"{' ' * (len(head) - len(head.lstrip()) + 2)}- {{Name: {c['Name']}, Type: {_text(c['Type'])}, "
             f"Comment: {_text(c['Comment'])}}}" for c in columns]
    yield from [head, *lines] if lines else [f"{head} []"]


def _substituted(value: str) -> str:
    """A value with the bucket put in by CloudFormation, and its own ${...} left as they are."""
    return "!Sub " + _text(value.replace("${", "${!").replace("${!" + _BUCKET[2:], _BUCKET))


def _text(value: str) -> str:
    # What JSON quotes, YAML reads.
    return json.dumps(value, ensure_ascii=False)


def main() -> None:
    """Writes the file."""
    OUT.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
