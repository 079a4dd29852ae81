"""From a query in Trino's dialect to text for one engine: parameters as typed literals, then the engine's syntax.

sqlglot translates syntax only; where the meaning would differ, recon.engine.rewrites changes the tree or
recon.engine.subset refuses the construct.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from sqlglot import exp

from recon.engine.port import Scalar
from recon.engine.queries import DIALECT, BadQuery, Query
from recon.engine.rewrites import for_duckdb, rewrite
from recon.engine.statement import PARAMETER, statement

_PYTHON: dict[str, tuple[type, ...]] = {
    "varchar": (str,), "bigint": (int,), "integer": (int,), "boolean": (bool,), "date": (date,),
    "timestamp": (datetime,), "decimal": (Decimal, int),
}


def trino_sql(query: Query, params: Mapping[str, Scalar]) -> str:
    """The statement for Trino and Athena, parameters bound. Raises BadQuery."""
    return statement(bind(query, params)).text


def duckdb_sql(query: Query, params: Mapping[str, Scalar]) -> str:
    """The statement for DuckDB, parameters bound. Raises BadQuery."""
    return translate(bind(query, params))


def translate(tree: exp.Expr) -> str:
    """A statement parsed as Trino's, written for DuckDB."""
    return rewrite(tree, for_duckdb).sql(dialect="duckdb", comments=False)


def bind(query: Query, params: Mapping[str, Scalar]) -> exp.Expr:
    """A copy of the query's tree with every parameter as a literal of its declared type. Raises BadQuery."""
    if set(params) != set(query.parameters):
        raise BadQuery(f"query {query.name} takes {sorted(query.parameters) or 'no parameters'}, "
                       f"was given {sorted(params) or 'none'}")
    literals = {name: literal(name, kind, params[name]) for name, kind in query.parameters.items()}

    def replace(node: exp.Expr) -> exp.Expr:
        return literals[str(node.this)].copy() if isinstance(node, exp.Placeholder) else node

    return query.tree.transform(replace)


def literal(name: str, kind: str, value: Scalar) -> exp.Expr:
    """`value` as a literal of SQL type `kind` (as declared in a header). Raises BadQuery on another Python type."""
    if value is not None:
        wanted = _PYTHON[kind.partition("(")[0]]
        odd = isinstance(value, bool) != (bool in wanted) or (isinstance(value, datetime) and kind == "date")
        if odd or not isinstance(value, wanted):
            raise BadQuery(f"parameter {name} is declared {kind}; {type(value).__name__} {value!r} was given")
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    written = exp.Null() if value is None else _written(name, value)
    written.meta[PARAMETER] = True
    return exp.cast(written, exp.DataType.build(kind, dialect=DIALECT))


def _written(name: str, value: str | int | date | datetime | Decimal) -> exp.Expr:
    if isinstance(value, datetime):
        if value.tzinfo is None or value.microsecond % 1000:
            raise BadQuery(f"parameter {name}: an aware UTC time of whole milliseconds was expected, not {value!r}")
        utc = value.astimezone(UTC).replace(tzinfo=None)
        return exp.Literal.string(utc.isoformat(sep=" ", timespec="milliseconds"))
    if isinstance(value, date):
        return exp.Literal.string(value.isoformat())
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise BadQuery(f"parameter {name}: {value} is not a finite number")
        return exp.Literal.string(format(value, "f"))
    return exp.Literal.string(str(value))
