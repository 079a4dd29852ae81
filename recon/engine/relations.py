"""A statement for an engine that keeps the lake elsewhere: each table it reads becomes a WITH clause before it.

Nothing is created in the catalog for a lake table: the clause says days and objects, so that two runs never meet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlglot
from sqlglot import exp

from pipeline.schemas.columns import Table, Type
from recon.engine.queries import DIALECT, BadQuery
from recon.lake import LakeObject

INLINE_BYTES = 48_000
"""Longer lists of objects go to a table of their own; Athena takes 262,144 bytes of text in all."""

_TRINO: dict[Type, str] = {
    Type.STRING: "VARCHAR", Type.BIGINT: "BIGINT", Type.INT: "INTEGER", Type.BOOLEAN: "BOOLEAN", Type.DATE: "DATE",
    Type.TIMESTAMP: "TIMESTAMP(3)", Type.DECIMAL_38_18: "DECIMAL(38, 18)",
}


def empty_relation(table: Table) -> exp.Query:
    """No rows, but every declared column and source_path."""
    columns = [f'CAST(NULL AS {_TRINO[c.type]}) AS "{c.name}"' for c in table.all_columns()]
    return _parsed(f"SELECT {', '.join(columns)}, CAST(NULL AS VARCHAR) AS source_path WHERE false")


def lake_relation(table: Table, source: str, root: str, objects: Sequence[LakeObject],
                  listing: str | None = None) -> exp.Query:
    """Exactly `objects` of the lake at `root`, out of the catalog's table `source`.

    `listing` names a table with a column `path` that holds the objects' addresses, where they are too many to be
    written out. The days bound what is read; the addresses decide what counts.
    """
    columns = ", ".join(f'"{c.name}"' for c in table.all_columns())
    conditions = []
    days = sorted({part[3:] for item in objects for part in item.path.split("/") if part.startswith("dt=")})
    if days:
        conditions.append(f"dt >= DATE '{days[0]}' AND dt <= DATE '{days[-1]}'")
    if listing is None:
        addresses = ", ".join(_text(f"{root}/{item.path}") for item in objects)
        conditions.append(f'"$path" IN ({addresses})')
    else:
        conditions.append(f'"$path" IN (SELECT path FROM {listing})')
    return _parsed(f'SELECT {columns}, substr("$path", {len(root) + 2}) AS source_path FROM {source} '
                   f"WHERE {' AND '.join(conditions)}")


def too_long_to_inline(root: str, objects: Sequence[LakeObject]) -> bool:
    """Whether the objects' addresses must go to a table."""
    return sum(len(root) + len(item.path.encode()) + 5 for item in objects) > INLINE_BYTES


def table_relation(source: str, columns: Sequence[str]) -> exp.Query:
    """All of a scratch table."""
    return _parsed(f"SELECT {', '.join(_name(c) for c in columns)} FROM {source}")


def with_relations(tree: exp.Expr, relations: Mapping[str, exp.Query]) -> exp.Query:
    """A copy of the statement in which every table of `relations` is a WITH clause before the statement's own."""
    whole: Any = tree.copy()
    clauses = [exp.CTE(this=relation.copy(), alias=exp.TableAlias(this=exp.to_identifier(name)))
               for name, relation in relations.items()]
    own = whole.args.get("with_")
    if clauses:
        whole.set("with_", exp.With(expressions=[*clauses, *(own.expressions if own else ())]))
    return whole  # type: ignore[no-any-return]


def order_of(tree: exp.Query) -> list[tuple[str, bool]]:
    """(output column, descending) of the statement's own ORDER BY, which an unload does not keep. Raises BadQuery."""
    order = tree.args.get("order")
    columns = tree.named_selects
    found = []
    for item in order.expressions if order else ():
        shown = item.this.sql(dialect=DIALECT)
        if item.args.get("nulls_first"):
            raise BadQuery(f"a result is ordered by {shown} NULLS FIRST; an engine that unloads its results has NULLs "
                           "last")
        name = _ordering(item.this, columns)
        if name not in columns:
            raise BadQuery(f"a result is ordered by {shown}, which is not among its columns "
                           f"({', '.join(columns)}); an engine that unloads its results cannot keep such an order")
        found.append((name, bool(item.args.get("desc"))))
    return found


def _ordering(by: exp.Expr, columns: Sequence[str]) -> str | None:
    """The column that an ORDER BY means, by name or by number; an expression over a column has a name as well."""
    if isinstance(by, exp.Literal) and by.is_int:
        return columns[int(by.name) - 1] if 1 <= int(by.name) <= len(columns) else None
    return by.name if isinstance(by, exp.Column) else None


def _parsed(sql: str) -> exp.Query:
    tree: Any = sqlglot.parse_one(sql, read=DIALECT)
    return tree  # type: ignore[no-any-return]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
