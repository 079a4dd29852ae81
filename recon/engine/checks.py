"""What the rules of the subset look for in one node. True: the construct is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlglot import exp

from recon.engine.kinds import DATE, DECIMAL, STRING, TIMESTAMP, WHOLE, kind
from recon.engine.rewrites import hashed_text

Parameters = Mapping[str, str]

_T = exp.DataType.Type
_WHOLE_TYPES = (_T.BIGINT, _T.INT, _T.SMALLINT, _T.TINYINT)
_UNITS = ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "YEAR")
_ODD_REGEX = re.compile(r"\$|\(\?|\[\[|&&|[*+?}][+]|\\[^-.*+?|(){}\[\]^/\\z]|[^\x20-\x7e]")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED = frozenset("""
    alter and as between by case cast constraint create cross cube deallocate delete describe distinct drop else end
    escape except execute exists extract false first for from full group grouping having in inner insert intersect into
    is join last left like listagg natural normalize not null on or order outer prepare recursive right rollup select
    skip table then trim true uescape union unnest using values when where with
""".split())
"""Words that Trino or Athena refuse as a name; sqlglot takes some of them."""
_EXPONENT = re.compile(r"[eE]")


def unsafe_modulo(node: exp.Expr, _: Parameters) -> bool:
    divisor = node.expression.unnest()
    return not (isinstance(divisor, exp.Nullif) or (divisor.is_int and int(divisor.to_py()) != 0))


def bare_sum(node: exp.Expr, _: Parameters) -> bool:
    inner = node.this
    if isinstance(inner, exp.Cast) and _is_sum_type(inner.to):
        return False
    outer = node.parent
    while isinstance(outer, exp.Filter | exp.Window | exp.Paren):
        outer = outer.parent
    return not (isinstance(outer, exp.Cast) and not isinstance(outer, exp.TryCast)
                and (_is_sum_type(outer.to) or outer.to.this == _T.BIGINT))


def open_decimal(node: exp.Expr, _: Parameters) -> bool:
    return node.this == _T.DECIMAL and len(node.expressions) != 2


def is_float(node: exp.Expr, _: Parameters) -> bool:
    if isinstance(node, exp.Literal):
        return not node.is_string and bool(_EXPONENT.search(str(node.this)))
    return node.this in (_T.DOUBLE, _T.FLOAT)


def rounds_by_cast(node: exp.Expr, parameters: Parameters) -> bool:
    return _to(node) in _WHOLE_TYPES and kind(node.this, parameters) == DECIMAL


def unsafe_round(node: exp.Expr, parameters: Parameters) -> bool:
    digits = node.args.get("decimals")
    return kind(node.this, parameters) != DECIMAL or digits is None or not digits.is_int


def unguarded_number(node: exp.Expr, parameters: Parameters) -> bool:
    if _to(node) not in (*_WHOLE_TYPES, _T.DECIMAL) or kind(node.this, parameters) != STRING:
        return False
    if isinstance(node.this, exp.Literal):
        return not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", str(node.this.this))
    branch = node.find_ancestor(exp.If)
    while branch is not None:
        if any(test.this == node.this for test in branch.this.find_all(exp.RegexpLike)):
            return False
        branch = branch.find_ancestor(exp.If)
    return True


def unsafe_date_diff(node: exp.Expr, parameters: Parameters) -> bool:
    unit = node.args.get("unit")
    dates = all(kind(side, parameters) == DATE for side in (node.this, node.expression))
    return not dates or unit is None or unit.name.upper() != "DAY"


def bare_date_arithmetic(node: exp.Expr, parameters: Parameters) -> bool:
    operands = (node.this, node.expression) if isinstance(node, exp.Binary) else (node.this,)
    moves = not isinstance(node, exp.Binary) or any(isinstance(side, exp.Interval) for side in operands)
    if not moves or all(kind(side, parameters) != DATE for side in operands):
        return False
    outer = node.parent
    while isinstance(outer, exp.Paren):
        outer = outer.parent
    return not (isinstance(outer, exp.Cast) and outer.to.this in (_T.DATE, _T.TIMESTAMP))


def subtracts_times(node: exp.Expr, parameters: Parameters) -> bool:
    times = (DATE, TIMESTAMP)
    return kind(node.this, parameters) in times and kind(node.expression, parameters) in times


def unsafe_unit(node: exp.Expr, _: Parameters) -> bool:
    unit = node.args.get("unit")
    if unit is None or unit.name.upper() not in _UNITS:
        return True
    if isinstance(node, exp.Interval):
        amount = node.this
        return not (isinstance(amount, exp.Literal) and amount.is_string and re.fullmatch("[0-9]+", amount.name))
    return False


def fine_timestamp(node: exp.Expr, _: Parameters) -> bool:
    if node.this != _T.TIMESTAMP or not node.expressions:
        return False
    cast = node.parent
    literal = isinstance(cast, exp.Cast) and isinstance(cast.this, exp.Literal)
    return not literal or int(node.expressions[0].name) > 3


def has_zone(node: exp.Expr, _: Parameters) -> bool:
    return isinstance(node, exp.AtTimeZone) or node.this in (_T.TIMESTAMPTZ, _T.TIMESTAMPLTZ, _T.TIMETZ, _T.TIME)


def time_as_text(node: exp.Expr, parameters: Parameters) -> bool:
    return _to(node) in (_T.VARCHAR, _T.TEXT) and kind(node.this, parameters) == TIMESTAMP


def unsafe_format(node: exp.Expr, _: Parameters) -> bool:
    form = node.args.get("format")
    # sqlglot has already turned Trino's %i and %s into %M and %S.
    return not isinstance(form, exp.Literal) or "%" in re.sub("%[YmdHMS]", "", form.name)


def text_to_time(node: exp.Expr, parameters: Parameters) -> bool:
    return (_to(node) in (_T.DATE, _T.TIMESTAMP) and kind(node.this, parameters) == STRING
            and not isinstance(node.this, exp.Literal))


def mixed_comparison(node: exp.Expr, parameters: Parameters) -> bool:
    sides = [node.this, *(node.args.get(name) for name in ("expression", "low", "high")), *node.expressions]
    families = {_family(found) for side in sides if side is not None and (found := kind(side, parameters))}
    return len(families) > 1


def sized_varchar(node: exp.Expr, _: Parameters) -> bool:
    return node.this in (_T.VARCHAR, _T.CHAR, _T.TEXT) and bool(node.expressions)


def bare_trim(node: exp.Expr, _: Parameters) -> bool:
    return node.args.get("expression") is None


def unsafe_substr(node: exp.Expr, _: Parameters) -> bool:
    start = node.args["start"].unnest()
    sides = (start.left, start.right) if isinstance(start, exp.Add) else (start,)
    return not any(side.is_int and int(side.to_py()) >= 1 for side in sides)


def unsafe_regex(node: exp.Expr, _: Parameters) -> bool:
    pattern = node.expression
    flags = len([value for value in node.args.values() if value]) > 2
    return flags or not isinstance(pattern, exp.Literal) or bool(_ODD_REGEX.search(pattern.name))


def unsafe_hash(node: exp.Expr, _: Parameters) -> bool:
    within: exp.Expr | None = node
    if isinstance(node, exp.SHA2Digest):
        within = node.parent
    elif isinstance(node, exp.Encode):
        within = node.parent.parent if node.parent else None
    return within is None or hashed_text(within) is None


def unordered_list(node: exp.Expr, _: Parameters) -> bool:
    in_join = isinstance(node, exp.GroupConcat) or isinstance(node.parent, exp.ArrayToString) or (
        isinstance(node.parent, exp.Filter) and isinstance(node.parent.parent, exp.ArrayToString))
    return not in_join or not isinstance(node.this, exp.Order)


def odd_array_join(node: exp.Expr, _: Parameters) -> bool:
    inner = node.this.this if isinstance(node.this, exp.Filter) else node.this
    return not isinstance(inner, exp.ArrayAgg) or node.args.get("null") is not None


def takes_several(node: exp.Expr, _: Parameters) -> bool:
    return node.args.get("count") is not None


def unordered_window(node: exp.Expr, _: Parameters) -> bool:
    return not isinstance(node.parent, exp.Window) or not node.parent.args.get("order")


def unordered_limit(node: exp.Expr, _: Parameters) -> bool:
    return not isinstance(node, exp.Limit) or node.parent is None or not node.parent.args.get("order")


def wide_count(node: exp.Expr, _: Parameters) -> bool:
    return isinstance(node.this, exp.Distinct) and len(node.this.expressions) != 1


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
    return any(value for key, value in node.args.items() if key != "expressions")


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
    for found in node.walk(prune=lambda part: isinstance(part, exp.Query)):
        if isinstance(found, exp.Column) and not found.table:
            yield found


def _to(node: exp.Expr) -> object:
    return node.args["to"].this


def _is_sum_type(to: exp.DataType) -> bool:
    return to.this == _T.DECIMAL and [part.name for part in to.expressions] == ["38", "0"]


def _family(found: str) -> str:
    return {WHOLE: "number", DECIMAL: "number", DATE: "time", TIMESTAMP: "time"}.get(found, found)
