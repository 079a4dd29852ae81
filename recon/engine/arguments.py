"""Values of a type that Trino refuses and DuckDB casts in silence: arguments, choices, conditions, unions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from recon.engine.kinds import BOOLEAN, DATE, DECIMAL, SHIFT, STRING, TIMESTAMP, WHOLE, branches, kind, together

Parameters = Mapping[str, str]

_NUMBER = frozenset((WHOLE, DECIMAL))
_TIME = frozenset((DATE, TIMESTAMP))
_TEXT, _COUNT, _TRUTH = frozenset((STRING,)), frozenset((WHOLE,)), frozenset((BOOLEAN,))
_BITWISE = (exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor)

_ARGUMENTS: tuple[tuple[tuple[type[exp.Expr], ...], tuple[str, ...], frozenset[str]], ...] = (
    ((exp.Length, exp.Lower, exp.Upper, exp.Substring, exp.Encode, exp.GroupConcat), ("this",), _TEXT),
    ((exp.Substring,), ("start", "length"), _COUNT),
    ((exp.StrPosition,), ("this", "substr"), _TEXT),
    ((exp.Replace,), ("this", "expression", "replacement"), _TEXT),
    ((exp.Translate,), ("this", "from_", "to"), _TEXT),
    ((exp.Trim, exp.StartsWith, exp.RegexpLike, exp.Like, exp.DPipe), ("this", "expression"), _TEXT),
    ((exp.Concat,), ("expressions",), _TEXT),
    ((exp.Sum, exp.Abs, exp.Round, exp.Neg), ("this",), _NUMBER),
    ((exp.Mul, exp.Mod), ("this", "expression"), _NUMBER),
    (_BITWISE, ("this", "expression"), _COUNT),
    ((exp.DateAdd,), ("expression",), _COUNT),
    ((exp.DateAdd, exp.DateTrunc, exp.TimestampTrunc, exp.TimeToStr), ("this",), _TIME),
    ((exp.And, exp.Or), ("this", "expression"), _TRUTH),
    ((exp.Not, exp.Where, exp.Having, exp.LogicalAnd, exp.LogicalOr), ("this",), _TRUTH),
    ((exp.Join,), ("on",), _TRUTH),
    ((exp.Lag, exp.Lead), ("offset",), _COUNT),
)


def wrong_argument(node: exp.Expr, parameters: Parameters) -> bool:
    """Whether an argument is known to be of a type that Trino does not take there."""
    if isinstance(node, exp.Add | exp.Sub):
        return _wrong_sum(node, parameters)
    if isinstance(node, exp.If):
        case = node.parent if isinstance(node.parent, exp.Case) else None
        return (case is None or case.this is None) and _outside(node.this, _TRUTH, parameters)
    if isinstance(node, exp.Anonymous):
        shifts = str(node.this).lower() == SHIFT
        return shifts and any(_outside(part, _COUNT, parameters) for part in node.expressions)
    return any(_outside(part, wanted, parameters)
               for classes, names, wanted in _ARGUMENTS if isinstance(node, classes)
               for name in names for part in _parts(node, name))


def mixed_values(node: exp.Expr, parameters: Parameters) -> bool:
    """Whether values that become one column or one result are known to be of several types."""
    if isinstance(node, exp.SetOperation | exp.Values):
        return any(_mixed(column, parameters) for column in together(node))
    if isinstance(node, exp.Nullif):
        return _mixed((node.this, node.expression), parameters)
    if isinstance(node, exp.Lag | exp.Lead):
        return _mixed([node.this, *_parts(node, "default")], parameters)
    if isinstance(node, exp.Case) and node.this is not None:
        tested = [node.this, *(branch.this for branch in node.args["ifs"])]
        if _mixed(tested, parameters):
            return True
    return _mixed(branches(node) or (), parameters)


def mixed_comparison(node: exp.Expr, parameters: Parameters) -> bool:
    """Whether text meets a number or a time in a comparison, also within rows and subqueries."""
    others = [node.args.get(name) for name in ("expression", "low", "high", "query")]
    sides = [node.this, *(side for side in others if side is not None), *node.expressions]
    rows = [side.expressions if isinstance(side, exp.Tuple) else _columns(side) or [side] for side in sides]
    return any(len({_family(found) for part in column if (found := kind(part, parameters))}) > 1
               for column in zip(*rows, strict=False))


def bare_null(node: exp.Expr, _: Parameters) -> bool:
    """Whether a NULL has no type: not cast, and not beside another value of a choice."""
    parent = node.parent
    if isinstance(parent, exp.Is | exp.Cast | exp.Case):
        return False
    if isinstance(parent, exp.If):
        return node is parent.this
    return not isinstance(parent, exp.Coalesce)


def _wrong_sum(node: exp.Binary, parameters: Parameters) -> bool:
    sides = (node.this, node.expression)
    steps = [side for side in sides if isinstance(side, exp.Interval)]
    wanted = _TIME if steps else _NUMBER
    if not steps and any(kind(side, parameters) in _TIME for side in sides):
        # Two times are another rule's business.
        return not all(kind(side, parameters) in (*_TIME, None) for side in sides)
    return any(_outside(side, wanted, parameters) for side in sides if side not in steps)


def _outside(node: exp.Expr, wanted: frozenset[str], parameters: Parameters) -> bool:
    found = kind(node, parameters)
    return found is not None and found not in wanted


def _parts(node: exp.Expr, name: str) -> Iterator[exp.Expr]:
    held = node.args.get(name)
    for part in held if isinstance(held, list) else [held]:
        if isinstance(part, exp.Order | exp.Distinct):
            yield part.this if isinstance(part, exp.Order) else part.expressions[0]
        elif isinstance(part, exp.Expr):
            yield part


def _columns(node: exp.Expr) -> list[exp.Expr]:
    return [column.unalias() for column in node.selects] if isinstance(node, exp.Query) else []


def _mixed(parts: Sequence[exp.Expr], parameters: Parameters) -> bool:
    found = {kind(part, parameters) for part in parts} - {None}
    return len({"number" if item in _NUMBER else item for item in found}) > 1


def _family(found: str) -> str:
    return "number" if found in _NUMBER else "time" if found in _TIME else found
