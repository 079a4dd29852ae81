"""Statements read by sqlglot as Trino's, where it loses nothing that matters."""

from __future__ import annotations

import re
from itertools import pairwise

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from infra.local.athena.statements import tokens

_DECIMAL_LITERAL = re.compile(r"'[+-]?(\d*)(?:\.(\d*))?'")


def parsed(sql: str) -> exp.Expr:
    """The tree of a query that unparsed() has nothing against."""
    return sqlglot.parse_one(decimals(sql), read="trino").transform(_whole_decimal)


def unparsed(sql: str) -> str:
    """Why sqlglot reads no query in `sql`, empty where it does."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="trino") if tree is not None]
    except SqlglotError as error:
        return _parse_error(error)
    return "" if len(trees) == 1 and isinstance(trees[0], exp.Query | exp.Values) else \
        "line 1:1: mismatched input. Expecting: a query"


def _parse_error(error: SqlglotError) -> str:
    found = getattr(error, "errors", None)
    if not found:
        return f"line 1:1: {str(error).splitlines()[0]}"
    first = found[0]
    return (f"line {first.get('line') or 1}:{first.get('col') or 1}: mismatched input "
            f"'{first.get('highlight') or '<EOF>'}'. {first.get('description') or ''}").strip()


def decimals(sql: str) -> str:
    """DECIMAL literals as casts with their own precision and scale, which sqlglot would lose."""
    found = list(tokens(sql))
    for word, value in reversed(list(pairwise(found))):
        match = _DECIMAL_LITERAL.fullmatch(value.text) if word.text.upper() == "DECIMAL" else None
        if match:
            scale = len(match[2] or "")
            precision = max(len(match[1].lstrip("0")) + scale, scale, 1)
            sql = f"{sql[:word.start]}CAST({value.text} AS DECIMAL({precision}, {scale})){sql[value.end:]}"
    return sql


def _whole_decimal(node: exp.Expr) -> exp.Expr:
    """DECIMAL without arguments is DECIMAL(38, 0) in Trino, another in DuckDB."""
    if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.DECIMAL and not node.expressions:
        return exp.DataType.build("DECIMAL(38, 0)", dialect="trino")
    return node
