"""How many digits a number may have before and after its point, as far as the text shows, and where engines differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from pipeline.schemas.columns import Type
from recon.engine.kinds import DECIMAL, SAME_AS_FIRST, TYPES, WHOLE, branches, kind, together

Parameters = Mapping[str, str]
Width = tuple[int, int]

MOST = 38
_FIRST_STEP = 18
"""Up to here DuckDB computes in 64 bits, and a product of two such numbers that needs more is an error there."""
_BIGINT, _INTEGER = (19, 0), (10, 0)
_TYPES = {Type.BIGINT: _BIGINT, Type.INT: _INTEGER, Type.DECIMAL_38_18: (20, 18)}
_T = exp.DataType.Type


def width(node: exp.Expr, parameters: Parameters) -> Width | None:
    """Digits before and after the point, or None where the text does not tell."""
    if isinstance(node, exp.Column | exp.Placeholder | exp.Literal | exp.Cast):
        return _leaf(node, parameters)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        return _arithmetic(node, parameters)
    if (choices := branches(node)) is not None:
        return _widest([width(part, parameters) for part in choices if not isinstance(part, exp.Null)])
    if isinstance(node, exp.Sum):
        inner = width(node.this, parameters)
        return inner and (MOST - inner[1], inner[1])
    if isinstance(node, SAME_AS_FIRST):
        return width(node.this, parameters)
    return _BIGINT if kind(node, parameters) == WHOLE else None


def narrow_product(node: exp.Expr, parameters: Parameters) -> bool:
    """Whether a product of decimals may need more digits than DuckDB keeps for it."""
    sides = (node.this, node.expression)
    if DECIMAL not in [kind(side, parameters) for side in sides]:
        return False
    found = [width(side, parameters) for side in sides]
    if any(side is not None and sum(side) > _FIRST_STEP for side in found):
        return False
    return None in found or sum(sum(side) for side in found if side) > _FIRST_STEP


def no_room(node: exp.Expr, parameters: Parameters) -> bool:
    """Whether decimals that meet have no common type: digits before one point and after another exceed 38.

    Where several values become one, a value of unknown type beside a decimal counts too.
    """
    if isinstance(node, exp.SetOperation | exp.Values):
        return any(_crowded(column, parameters, strict=True) for column in together(node))
    choices = branches(node)
    if choices is not None:
        return _crowded(choices, parameters, strict=True)
    sides = [node.this, *(part for name in ("expression", "low", "high") if (part := node.args.get(name)))]
    if isinstance(node, exp.In):
        query = node.args.get("query")
        if query is not None and len(query.selects) == 1:
            return _crowded([node.this, query.selects[0].unalias()], parameters, strict=True)
        sides += node.expressions
    return _crowded(sides, parameters, strict=False)


def _crowded(sides: Sequence[exp.Expr], parameters: Parameters, *, strict: bool) -> bool:
    sides = [side for side in sides if not isinstance(side.unnest(), exp.Null)]
    if DECIMAL not in [kind(side, parameters) for side in sides] or len(sides) < 2:
        return False
    found = [width(side, parameters) for side in sides]
    known = [side for side in found if side]
    if strict and len(known) < len(found):
        return True
    return len(known) > 1 and max(side[0] for side in known) + max(side[1] for side in known) > MOST


def _leaf(node: exp.Column | exp.Placeholder | exp.Literal | exp.Cast, parameters: Parameters) -> Width | None:
    if isinstance(node, exp.Column):
        known = TYPES.get(node.name)
        return _TYPES.get(known) if known else _BIGINT if node.name.endswith("_minor") else None
    if isinstance(node, exp.Placeholder):
        declared = exp.DataType.build(parameters.get(str(node.this), "varchar"), dialect="trino")
        return _of_type(declared)
    if isinstance(node, exp.Cast):
        return _of_type(node.to)
    before, _, after = str(node.this).partition(".")
    return None if node.is_string else (len(before), len(after))


def _of_type(to: exp.DataType) -> Width | None:
    if to.this == _T.DECIMAL and len(to.expressions) == 2:
        precision, scale = (int(part.name) for part in to.expressions)
        return precision - scale, scale
    return {_T.BIGINT: _BIGINT, _T.INT: _INTEGER}.get(to.this)


def _arithmetic(node: exp.Binary, parameters: Parameters) -> Width | None:
    left, right = width(node.left, parameters), width(node.right, parameters)
    if left is None or right is None:
        return None
    if isinstance(node, exp.Mul):
        before, after = left[0] + right[0], left[1] + right[1]
    else:
        before, after = max(left[0], right[0]) + 1, max(left[1], right[1])
    return min(before, max(MOST - after, 0)), after


def _widest(found: list[Width | None]) -> Width | None:
    known = [item for item in found if item]
    if not known or len(known) < len(found):
        return None
    return max(item[0] for item in known), max(item[1] for item in known)
