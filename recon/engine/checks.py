"""What the rules of the subset look for in one node. True: the construct is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from sqlglot import exp

from recon.engine.kinds import DATE, DECIMAL, SHIFT, STRING, TIMESTAMP, kind
from recon.engine.rewrites import hashed_text
from recon.engine.widths import MOST, width

Parameters = Mapping[str, str]

_T = exp.DataType.Type
_WHOLE_TYPES = (_T.BIGINT, _T.INT, _T.SMALLINT, _T.TINYINT)
_UNITS = ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "YEAR")
_ODD_REGEX = re.compile(r"\$|\(\?|\[\[|&&|[*+?}][+]|\\[^-.*+?|(){}\[\]^/\\z]|[^\x20-\x7e]")
_EXPONENT = re.compile(r"[eE]")
_REPEATED = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}")
_DAY_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME_FORM = re.compile(rf"{_DAY_FORM.pattern}( [0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,3}})?)?)?")
_MOST_REPEATED = 1000
"""DuckDB counts no further, nested repetitions multiplied."""
_DAYS = ("DAY", "WEEK", "MONTH", "YEAR")


def unsafe_modulo(node: exp.Expr, _: Parameters) -> bool:
    divisor = node.expression.unnest()
    if isinstance(divisor, exp.Nullif):
        return not (divisor.expression.is_int and int(divisor.expression.to_py()) == 0)
    return not (divisor.is_int and int(divisor.to_py()) > 0)


def bare_sum(node: exp.Expr, parameters: Parameters) -> bool:
    inner = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    return kind(inner, parameters) != DECIMAL or sum(width(inner, parameters) or (0,)) != MOST


def unsafe_shift(node: exp.Expr, _: Parameters) -> bool:
    if str(node.this).lower() != SHIFT:
        return False
    places = node.expressions[1] if len(node.expressions) == 2 else node
    return not (places.is_int and 0 <= int(places.to_py()) <= 31)


def long_number(node: exp.Expr, _: Parameters) -> bool:
    text = str(node.this)
    if node.is_string or _EXPONENT.search(text):
        return False
    if "." in text:
        return len(text) > MOST
    return int(text) > 2**63 - (0 if isinstance(node.parent, exp.Neg) else 1)


def open_decimal(node: exp.Expr, _: Parameters) -> bool:
    return node.this == _T.DECIMAL and len(node.expressions) != 2


def is_float(node: exp.Expr, _: Parameters) -> bool:
    if isinstance(node, exp.Literal):
        return not node.is_string and bool(_EXPONENT.search(str(node.this)))
    return node.this in (_T.DOUBLE, _T.FLOAT)


def rounds_by_cast(node: exp.Expr, parameters: Parameters) -> bool:
    if _to(node) not in _WHOLE_TYPES or kind(node.this, parameters) != DECIMAL:
        return False
    found = width(node.this, parameters)
    return found is None or found[1] != 0


def unsafe_round(node: exp.Expr, parameters: Parameters) -> bool:
    digits = node.args.get("decimals")
    cast = isinstance(node.parent, exp.Cast) and node.parent.to.this == _T.DECIMAL
    return kind(node.this, parameters) != DECIMAL or digits is None or not digits.is_int or not cast


def unguarded_number(node: exp.Expr, parameters: Parameters) -> bool:
    if _to(node) not in (*_WHOLE_TYPES, _T.DECIMAL) or kind(node.this, parameters) != STRING:
        return False
    if isinstance(node.this, exp.Literal):
        decimals = r"(\.[0-9]+)?" if _to(node) == _T.DECIMAL else ""
        return not re.fullmatch(f"-?[0-9]+{decimals}", str(node.this.this))
    branch = node.find_ancestor(exp.If)
    while branch is not None:
        if any(test.this == node.this for test in branch.this.find_all(exp.RegexpLike)):
            return False
        branch = branch.find_ancestor(exp.If)
    return True


def unsafe_date_diff(node: exp.Expr, parameters: Parameters) -> bool:
    unit = node.args.get("unit")
    # Lake times are whole milliseconds, so that there nothing is left to count otherwise.
    counted = {"DAY": DATE, "MILLISECOND": TIMESTAMP}.get("" if unit is None else unit.name.upper())
    return counted is None or any(kind(side, parameters) != counted for side in (node.this, node.expression))


def bare_date_arithmetic(node: exp.Expr, parameters: Parameters) -> bool:
    operands = (node.this, node.expression) if isinstance(node, exp.Binary) else (node.this,)
    moves = not isinstance(node, exp.Binary) or any(isinstance(side, exp.Interval) for side in operands)
    if not moves or all(kind(side, parameters) != DATE for side in operands):
        return False
    outer = node.parent
    while isinstance(outer, exp.Paren):
        outer = outer.parent
    return not (isinstance(outer, exp.Cast) and outer.to.this in (_T.DATE, _T.TIMESTAMP))


def hours_of_a_date(node: exp.Expr, parameters: Parameters) -> bool:
    sides = (node.this, node.expression) if isinstance(node, exp.Binary) else (node.this,)
    units = [part.args["unit"] for part in (node, *sides) if part.args.get("unit") is not None]
    return (any(kind(side, parameters) == DATE for side in sides)
            and any(unit.name.upper() not in _DAYS for unit in units))


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
    to = _to(node)
    if to not in (_T.DATE, _T.TIMESTAMP) or kind(node.this, parameters) != STRING:
        return False
    form = _DAY_FORM if to == _T.DATE else _TIME_FORM
    if not isinstance(node.this, exp.Literal) or not form.fullmatch(node.this.name):
        return True
    try:
        datetime.fromisoformat(node.this.name)
    except ValueError:
        return True
    return False


def text_to_boolean(node: exp.Expr, parameters: Parameters) -> bool:
    return _to(node) == _T.BOOLEAN and kind(node.this, parameters) == STRING


def sized_varchar(node: exp.Expr, _: Parameters) -> bool:
    return node.this in (_T.VARCHAR, _T.CHAR, _T.TEXT) and bool(node.expressions)


def bare_trim(node: exp.Expr, _: Parameters) -> bool:
    return node.args.get("expression") is None


def unsafe_substr(node: exp.Expr, _: Parameters) -> bool:
    start = node.args["start"].unnest()
    sides = (start.left, start.right) if isinstance(start, exp.Add) else (start,)
    return not any(side.is_int and int(side.to_py()) >= 1 for side in sides)


def changes_case(node: exp.Expr, _: Parameters) -> bool:
    return not (isinstance(node, exp.Lower) and isinstance(node.this, exp.Hex))


def unsafe_translate(node: exp.Expr, _: Parameters) -> bool:
    sides = [node.args[name] for name in ("from_", "to")]
    if not all(isinstance(side, exp.Literal) and side.is_string for side in sides):
        return True
    return len(sides[0].name) != len(sides[1].name) or len(set(sides[0].name)) != len(sides[0].name)


def unsafe_replace(node: exp.Expr, _: Parameters) -> bool:
    sought = node.expression
    return not (isinstance(sought, exp.Literal) and sought.name)


def unsafe_escape(node: exp.Expr, _: Parameters) -> bool:
    mark, pattern = node.expression, node.this.expression
    if not all(isinstance(part, exp.Literal) for part in (mark, pattern)) or len(mark.name) != 1:
        return True
    quoted = re.escape(mark.name)
    return not re.fullmatch(rf"([^{quoted}]|{quoted}[%_{quoted}])*", pattern.name, re.DOTALL)


def too_few(node: exp.Expr, _: Parameters) -> bool:
    return len(node.expressions) + (node.this is not None and isinstance(node.this, exp.Expr)) < 2


def unsafe_regex(node: exp.Expr, _: Parameters) -> bool:
    pattern = node.expression
    flags = len([value for value in node.args.values() if value]) > 2
    if flags or not isinstance(pattern, exp.Literal) or _ODD_REGEX.search(pattern.name):
        return True
    repeated = 1
    for least, most in _REPEATED.findall(pattern.name):
        repeated *= max(int(least), int(most or 0), 1)
    return repeated > _MOST_REPEATED


def unsafe_hash(node: exp.Expr, _: Parameters) -> bool:
    within: exp.Expr | None = node
    if isinstance(node, exp.SHA2Digest):
        within = node.parent
    elif isinstance(node, exp.Encode):
        within = node.parent.parent if node.parent else None
    return within is None or hashed_text(within) is None


def _to(node: exp.Expr) -> object:
    return node.args["to"].this
