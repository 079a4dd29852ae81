"""The words in which a lake table is declared: logical types, columns, tables.

A leaf: imports nothing of ours, so that recon, infra and the pipeline can all stand on it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Type(enum.Enum):
    """Logical column types. Times are UTC without a zone, in milliseconds: the finest that Hive tables keep."""

    STRING = "string"
    BIGINT = "bigint"
    INT = "int"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    DECIMAL_38_18 = "decimal(38,18)"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `doc` says meaning and unit; only where `nullable` is False may a reader rely on a value."""

    name: str
    type: Type
    doc: str
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """One lake table.

    `columns` are those inside the Parquet files; `partitions` come from the path and are never in the file.
    `key` identifies a row once duplicates are removed. `writer` names the one component that writes it.
    `warnings` are what a reader must know before trusting a row.
    """

    name: str
    doc: str
    grain: str
    writer: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partitions: tuple[Column, ...] = ()
    warnings: tuple[str, ...] = ()

    def all_columns(self) -> tuple[Column, ...]:
        """File columns followed by partition columns: what a reader's view shows."""
        return self.columns + self.partitions

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError lists what the table has."""
        for column in self.all_columns():
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name!r}; it has {', '.join(c.name for c in self.all_columns())}")


def text(name: str, doc: str, *, required: bool = False) -> Column:
    """A string column."""
    return Column(name, Type.STRING, doc, nullable=not required)


def minor(name: str, doc: str, *, required: bool = False) -> Column:
    """An amount in minor units of the currency that its doc names."""
    return Column(name, Type.BIGINT, doc, nullable=not required)


def integer(name: str, doc: str, *, required: bool = False) -> Column:
    """A 64-bit integer: an id, a count or a duration."""
    return Column(name, Type.BIGINT, doc, nullable=not required)


def at(name: str, doc: str, *, required: bool = False) -> Column:
    """An instant, UTC."""
    return Column(name, Type.TIMESTAMP, doc, nullable=not required)


def day(name: str, doc: str, *, required: bool = False) -> Column:
    """A calendar day."""
    return Column(name, Type.DATE, doc, nullable=not required)
