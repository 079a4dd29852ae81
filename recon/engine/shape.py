"""What the rules look for in the shape of a statement: order, sets, joins, names. True: the construct is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlglot import exp

Parameters = Mapping[str, str]

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED = frozenset("""
    alter and as between by case cast constraint create cross cube deallocate delete describe distinct drop else end
    escape except execute exists extract false first for from full group grouping having in inner insert intersect into
    is join last left like listagg natural normalize not null on or order outer prepare recursive right rollup select
    skip table then trim true uescape union unnest using values when where with
""".split())
"""Words that Trino or Athena refuse as a name; sqlglot takes some of them."""


def unordered_list(node: exp.Expr, _: Parameters) -> bool:
    in_join = isinstance(node, exp.GroupConcat) or isinstance(node.parent, exp.ArrayToString) or (
        isinstance(node.parent, exp.Filter) and isinstance(node.parent.parent, exp.ArrayToString))
    return not in_join or not isinstance(node.this, exp.Order)


def odd_array_join(node: exp.Expr, _: Parameters) -> bool:
    inner = node.this.this if isinstance(node.this, exp.Filter) else node.this
    return not isinstance(inner, exp.ArrayAgg) or node.args.get("null") is not None


def takes_several(node: exp.Expr, _: Parameters) -> bool:
    return node.args.get("count") is not None or bool(node.expressions)


def unordered_window(node: exp.Expr, _: Parameters) -> bool:
    return not isinstance(node.parent, exp.Window) or not node.parent.args.get("order")


def odd_window(node: exp.Expr, _: Parameters) -> bool:
    """Trino takes neither FILTER nor DISTINCT nor a list in a window."""
    within = node.this
    lists = isinstance(within, exp.Filter | exp.GroupConcat | exp.ArrayAgg | exp.ArrayToString)
    return lists or isinstance(within.this, exp.Distinct)


def odd_offset(node: exp.Expr, _: Parameters) -> bool:
    offset = node.args.get("offset")
    return offset is not None and not (offset.is_int and int(offset.to_py()) >= 0)


def order_beside_distinct(node: exp.Expr, _: Parameters) -> bool:
    order = node.args.get("order")
    if not node.args.get("distinct") or order is None:
        return False
    shown = {part for item in node.expressions for part in (item.unalias(), exp.column(item.alias_or_name))}
    return any(item.this not in shown and not item.this.is_int for item in order.expressions)


def unordered_limit(node: exp.Expr, _: Parameters) -> bool:
    return not isinstance(node, exp.Limit) or node.parent is None or not node.parent.args.get("order")


def computed_limit(node: exp.Expr, _: Parameters) -> bool:
    number = node.args.get("expression") or node.args.get("count")
    return not (isinstance(number, exp.Literal) and number.is_int)


def wide_count(node: exp.Expr, _: Parameters) -> bool:
    if not isinstance(node.this, exp.Distinct):
        return False
    # Beside another aggregate, Trino 435 counts the rows where what is counted turns out to be one constant.
    select = node.find_ancestor(exp.Select)
    beside = [part for part in _own(select) if isinstance(part, exp.AggFunc)] if select else []
    return len(node.this.expressions) != 1 or len(beside) > 1


def constant_order(node: exp.Expr, _: Parameters) -> bool:
    order = node.parent.parent if node.parent else None
    if node.this.is_int and isinstance(order, exp.Query):
        return int(node.this.to_py()) < 1
    return not (node.this.find(exp.Column) or node.this.find(exp.AggFunc))


def bare_star(node: exp.Expr, _: Parameters) -> bool:
    return not isinstance(node.parent, exp.Count)


def not_plain_table(node: exp.Expr, _: Parameters) -> bool:
    extras = {key for key, value in node.args.items() if value} - {"this", "alias", "joins"}
    return not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier) or bool(extras)


def odd_join(node: exp.Expr, _: Parameters) -> bool:
    if any(node.args.get(name) for name in ("using", "method", "global_", "hint", "match_condition", "pivots")):
        return True
    sort = node.args.get("kind") or ""
    plain = sort in ("", "INNER", "OUTER") and node.args.get("on") is not None
    return not plain and not (sort == "CROSS" and node.args.get("on") is None)


def odd_group(node: exp.Expr, _: Parameters) -> bool:
    keys = node.expressions
    return (any(value for key, value in node.args.items() if key != "expressions")
            or not all(key.find(exp.Column) or (key.is_int and int(key.to_py()) > 0) for key in keys))


def distinct_on(node: exp.Expr, _: Parameters) -> bool:
    return node.args.get("on") is not None


def recursive(node: exp.Expr, _: Parameters) -> bool:
    return bool(node.args.get("recursive"))


def reuses_alias(node: exp.Expr, _: Parameters) -> bool:
    aliases = {}
    for item in node.expressions:
        own = {column.name for column in _bare_columns(item)}
        if isinstance(item, exp.Alias) and item.alias not in own:
            aliases[item.alias] = item
    places = [node.args[name] for name in ("where", "group", "having") if node.args.get(name)]
    for place in [*places, *node.expressions]:
        if any(column.name in aliases and aliases[column.name] is not place for column in _bare_columns(place)):
            return True
    return False


def is_boolean(node: exp.Expr, _: Parameters) -> bool:
    return not isinstance(node.expression, exp.Null)


def by_name(node: exp.Expr, _: Parameters) -> bool:
    return bool(node.args.get("by_name"))


def odd_identifier(node: exp.Expr, _: Parameters) -> bool:
    return bool(node.args.get("quoted")) or not _NAME.fullmatch(node.name) or node.name in _RESERVED


def _bare_columns(node: exp.Expr) -> Iterator[exp.Column]:
    """Columns without a table in this SELECT itself, its subqueries left out."""
    for found in _own(node):
        if isinstance(found, exp.Column) and not found.table:
            yield found


def _own(node: exp.Expr) -> Iterator[exp.Expr]:
    """Every part of a construct but what is within its subqueries."""
    return node.walk(prune=lambda part: isinstance(part, exp.Query) and part is not node)
