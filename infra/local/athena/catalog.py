"""Tables as Glue declares them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from infra.local.athena.errors import QueryFailed
from infra.local.guard import client


@dataclass(frozen=True, slots=True)
class GlueTable:
    """One table: `columns` and `keys` (partitions) map lower-case names to Glue's types, in order."""

    database: str
    name: str
    location: str
    columns: dict[str, str]
    keys: dict[str, str]
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def projected(self) -> bool:
        """Whether partitions are computed from the table's properties."""
        return self.parameters.get("projection.enabled", "").lower() == "true"

    @property
    def all_columns(self) -> dict[str, str]:
        """Columns followed by partition keys: what SELECT * shows."""
        return {**self.columns, **self.keys}


class Catalog:
    """Glue's databases. `where` is the place in the statement that an error names."""

    def __init__(self) -> None:
        self._glue = client("glue")

    def table(self, database: str, name: str, where: str = "line 1:1") -> GlueTable:
        """The table's declaration, read anew on each call. Raises QueryFailed."""
        try:
            found: dict[str, Any] = self._glue.get_table(DatabaseName=database, Name=name)["Table"]
        except self._glue.exceptions.EntityNotFoundException:
            self.require_database(database, where)
            raise QueryFailed("TABLE_NOT_FOUND",
                              f"{where}: Table 'awsdatacatalog.{database}.{name}' does not exist") from None
        storage = found["StorageDescriptor"]
        return GlueTable(database, name, str(storage["Location"]), _types(storage["Columns"]),
                         _types(found.get("PartitionKeys", [])), dict(found.get("Parameters") or {}))

    def partitions(self, table: GlueTable) -> list[tuple[str, dict[str, str]]]:
        """(location, values by key) of each partition that Glue lists."""
        found = []
        pages = self._glue.get_paginator("get_partitions").paginate(DatabaseName=table.database, TableName=table.name)
        for page in pages:
            for partition in page["Partitions"]:
                values = dict(zip(table.keys, partition["Values"], strict=True))
                found.append((str(partition["StorageDescriptor"]["Location"]), values))
        return found

    def databases(self) -> list[str]:
        """Names of all databases, sorted."""
        pages = self._glue.get_paginator("get_databases").paginate()
        return sorted(str(item["Name"]) for page in pages for item in page["DatabaseList"])

    def tables(self, database: str) -> list[str]:
        """Names of the tables of one database, sorted. Raises QueryFailed."""
        self.require_database(database, "line 1:1")
        pages = self._glue.get_paginator("get_tables").paginate(DatabaseName=database)
        return sorted(str(item["Name"]) for page in pages for item in page["TableList"])

    def require_database(self, database: str, where: str) -> None:
        """Raises QueryFailed where there is no such database."""
        try:
            self._glue.get_database(Name=database)
        except self._glue.exceptions.EntityNotFoundException:
            raise QueryFailed("SCHEMA_NOT_FOUND", f"{where}: Schema '{database}' does not exist") from None


def _types(columns: list[dict[str, Any]]) -> dict[str, str]:
    return {str(column["Name"]).lower(): str(column["Type"]).lower() for column in columns}
