"""What type an expression has, as far as the text alone shows: from casts, literals, declared columns and naming."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from pipeline.schemas.columns import Type
from pipeline.schemas.tables import TABLES

STRING, WHOLE, DECIMAL, DATE, TIMESTAMP, BOOLEAN = "string", "whole", "decimal", "date", "timestamp", "boolean"
SHIFT = "bitwise_right_shift_arithmetic"

_DECLARED = {Type.STRING: STRING, Type.BIGINT: WHOLE, Type.INT: WHOLE, Type.BOOLEAN: BOOLEAN, Type.DATE: DATE,
             Type.TIMESTAMP: TIMESTAMP, Type.DECIMAL_38_18: DECIMAL}
_SUFFIXES = (("_at", TIMESTAMP), ("_minor", WHOLE), ("_day", DATE), ("_ref", STRING))
_HEADER = {"varchar": STRING, "bigint": WHOLE, "integer": WHOLE, "boolean": BOOLEAN, "date": DATE,
           "timestamp": TIMESTAMP, "decimal": DECIMAL}
_T = exp.DataType.Type
_SQL = {_T.VARCHAR: STRING, _T.TEXT: STRING, _T.BIGINT: WHOLE, _T.INT: WHOLE, _T.DECIMAL: DECIMAL, _T.DATE: DATE,
        _T.TIMESTAMP: TIMESTAMP, _T.BOOLEAN: BOOLEAN}
SAME_AS_FIRST = (exp.Paren, exp.Neg, exp.Abs, exp.Min, exp.Max, exp.Sum, exp.Lag, exp.Lead, exp.FirstValue,
                 exp.LastValue, exp.Filter, exp.Window, exp.ArgMin, exp.ArgMax, exp.Round)
_SAME_AS_FIRST = (*SAME_AS_FIRST, exp.Nullif, exp.TimestampTrunc, exp.DateTrunc, exp.DateAdd)
_ALWAYS = ((exp.DPipe, STRING), (exp.Concat, STRING), (exp.Lower, STRING), (exp.Upper, STRING), (exp.Trim, STRING),
           (exp.Substring, STRING), (exp.Replace, STRING), (exp.Translate, STRING), (exp.TimeToStr, STRING),
           (exp.LowerHex, STRING), (exp.GroupConcat, STRING), (exp.ArrayToString, STRING), (exp.Length, WHOLE),
           (exp.StrPosition, WHOLE), (exp.Count, WHOLE), (exp.RowNumber, WHOLE), (exp.Rank, WHOLE),
           (exp.DenseRank, WHOLE), (exp.DateDiff, WHOLE), (exp.BitwiseAnd, WHOLE), (exp.BitwiseOr, WHOLE),
           (exp.BitwiseXor, WHOLE), (exp.Date, DATE), (exp.Predicate, BOOLEAN), (exp.Connector, BOOLEAN),
           (exp.Not, BOOLEAN), (exp.Boolean, BOOLEAN), (exp.Escape, BOOLEAN), (exp.RegexpLike, BOOLEAN),
           (exp.StartsWith, BOOLEAN), (exp.LogicalAnd, BOOLEAN), (exp.LogicalOr, BOOLEAN))


def _columns() -> tuple[dict[str, str], dict[str, Type]]:
    kinds: dict[str, set[str]] = {}
    types: dict[str, set[Type]] = {}
    for table in TABLES.values():
        for column in table.all_columns():
            kinds.setdefault(column.name, set()).add(_DECLARED[column.type])
            types.setdefault(column.name, set()).add(column.type)
    return ({name: found.pop() for name, found in kinds.items() if len(found) == 1},
            {name: found.pop() for name, found in types.items() if len(found) == 1})


_COLUMNS, TYPES = _columns()
"""Column names that have one kind, and one type, wherever the lake declares them."""


def kind(node: exp.Expr, parameters: Mapping[str, str]) -> str | None:
    """One of this module's names, or None where the text does not tell. `parameters` is as in the query's header."""
    if isinstance(node, exp.Column | exp.Placeholder | exp.Literal | exp.Cast):
        return _leaf(node, parameters)
    if (found := branches(node)) is not None:
        return next((known for branch in found if (known := kind(branch, parameters))), None)
    if isinstance(node, exp.Subquery | exp.Select):
        columns = node.selects
        return kind(columns[0].unalias(), parameters) if len(columns) == 1 else None
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Mod):
        return _arithmetic(node, parameters)
    if isinstance(node, _SAME_AS_FIRST):
        return kind(node.this, parameters) if isinstance(node.this, exp.Expr) else None
    if isinstance(node, exp.Anonymous):
        return WHOLE if str(node.this).lower() == SHIFT else None
    return next((found for classes, found in _ALWAYS if isinstance(node, classes)), None)


def branches(node: exp.Expr) -> list[exp.Expr] | None:
    """The values that may come out of a choice (CASE, if, coalesce, greatest, least), None for another construct."""
    if isinstance(node, exp.Case):
        return [*(branch.args["true"] for branch in node.args["ifs"]), *_there(node.args.get("default"))]
    if isinstance(node, exp.If):
        return [node.args["true"], *_there(node.args.get("false"))]
    if isinstance(node, exp.Coalesce | exp.Greatest | exp.Least):
        return [node.this, *node.expressions]
    return None


def together(node: exp.SetOperation | exp.Values) -> list[tuple[exp.Expr, ...]]:
    """The values that stand in one column: of both sides of a union, of the rows of VALUES."""
    if isinstance(node, exp.SetOperation):
        rows = [[column.unalias() for column in side.selects] for side in (node.left, node.right)]
    else:
        rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
    return list(zip(*rows, strict=False))


def _there(node: exp.Expr | None) -> list[exp.Expr]:
    return [] if node is None else [node]


def _leaf(node: exp.Column | exp.Placeholder | exp.Literal | exp.Cast, parameters: Mapping[str, str]) -> str | None:
    if isinstance(node, exp.Column):
        known = _COLUMNS.get(node.name)
        return known or next((found for suffix, found in _SUFFIXES if node.name.endswith(suffix)), None)
    if isinstance(node, exp.Placeholder):
        return _HEADER.get(parameters.get(str(node.this), "").partition("(")[0])
    if isinstance(node, exp.Cast):
        return _SQL.get(node.to.this)
    return STRING if node.is_string else DECIMAL if "." in str(node.this) else WHOLE


def _arithmetic(node: exp.Binary, parameters: Mapping[str, str]) -> str | None:
    left, right = kind(node.left, parameters), kind(node.right, parameters)
    for found in (TIMESTAMP, DATE, DECIMAL):
        if found in (left, right):
            return found
    return WHOLE if left == right == WHOLE else None
