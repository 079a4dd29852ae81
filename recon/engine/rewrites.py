"""Where one expression would mean something else on an engine: the tree that makes it mean what Trino documents."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

_ARITHMETIC_SHIFT = "BITWISE_RIGHT_SHIFT_ARITHMETIC"
_BITWISE = (exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor)
_LONGEST = 2**31 - 1
_TIMESTAMP = exp.DataType.Type.TIMESTAMP


def rewrite(tree: exp.Expr, change: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """A copy of the tree with `change` made to every node, the inner ones first."""
    root = tree.copy()
    # sqlglot's own transform never looks into what it has replaced.
    for node in reversed(list(root.walk(bfs=False))):
        parent, key, index = node.parent, node.arg_key, node.index
        changed = change(node)
        if changed is node:
            continue
        if parent is None or key is None:
            root = changed
        else:
            parent.set(key, changed, index)
    return root


def for_trino(node: exp.Expr) -> exp.Expr:
    """One node of a bound statement, for Trino and Athena."""
    if isinstance(node, exp.DataType) and node.this == _TIMESTAMP:
        # A literal without decimals would be timestamp(0), which no Hive table takes.
        return exp.DataType(this=_TIMESTAMP, expressions=[exp.DataTypeParam(this=exp.Literal.number(3))])
    return node


def for_duckdb(node: exp.Expr) -> exp.Expr:
    """One node of a bound statement, for DuckDB."""
    if isinstance(node, exp.DataType) and node.this == _TIMESTAMP:
        # TIMESTAMP(3) would become DuckDB's TIMESTAMP_MS, which mixes badly with the views' TIMESTAMP.
        return exp.DataType(this=_TIMESTAMP)
    if isinstance(node, exp.ArgMin | exp.ArgMax):
        # Trino keeps a NULL first argument; DuckDB's min_by skips such rows.
        name = "arg_min_null" if isinstance(node, exp.ArgMin) else "arg_max_null"
        return exp.Anonymous(this=name, expressions=[node.this, node.expression])
    if isinstance(node, exp.ArrayToString):
        return _joined(node)
    hashed = hashed_text(node)
    if hashed is not None:
        # DuckDB's sha256 of text is already lower-case hex.
        return exp.Anonymous(this="sha256", expressions=[hashed])
    return _number(_cut(node))


def hashed_text(node: exp.Expr) -> exp.Expr | None:
    """The text x of `lower(to_hex(sha256(to_utf8(x))))`, else None."""
    if not isinstance(node, exp.LowerHex) or not isinstance(node.this, exp.SHA2Digest):
        return None
    encoded = node.this.this
    return encoded.this if isinstance(encoded, exp.Encode) else None


def _number(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Anonymous) and str(node.this).upper() == _ARITHMETIC_SHIFT:
        value, places = (exp.Paren(this=part) for part in node.expressions)
        return exp.Paren(this=exp.BitwiseRightShift(this=value, expression=places))
    if isinstance(node, _BITWISE):
        # Functions there, operators with a rank of their own here; and Trino's are of BIGINT whatever goes in.
        sides = (exp.cast(part, "BIGINT") for part in (node.this, node.expression))
        return exp.Paren(this=type(node)(this=next(sides), expression=next(sides)))
    if isinstance(node, exp.Neg) and not isinstance(node.this, exp.Literal | exp.Column):
        # Of a constant, DuckDB's minus makes a wider type instead of an overflow.
        return exp.Paren(this=exp.Sub(this=exp.Literal.number(0), expression=exp.Paren(this=node.this)))
    if isinstance(node, exp.Mod) and isinstance(node.expression, exp.Nullif):
        # The smallest number modulo -1 is an overflow here and 0 there; so is anything modulo 1.
        divisor = node.expression.this
        cases = [exp.If(this=exp.Literal.number(0), true=exp.Null()),
                 exp.If(this=exp.Neg(this=exp.Literal.number(1)), true=exp.Literal.number(1))]
        return exp.Mod(this=node.this, expression=exp.Case(this=divisor, ifs=cases, default=divisor.copy()))
    return node


def _cut(node: exp.Expr) -> exp.Expr:
    length = node.args.get("length") if isinstance(node, exp.Substring) else None
    if length is None or (isinstance(length, exp.Literal) and int(length.name) <= _LONGEST):
        return node
    # A negative length is nothing there and the other direction here; a huge one an error here; NULL stays NULL.
    least, most = exp.Literal.number(0), exp.Literal.number(_LONGEST)
    cases = [exp.If(this=exp.LT(this=exp.Paren(this=length), expression=least), true=least.copy()),
             exp.If(this=exp.GT(this=exp.Paren(this=length.copy()), expression=most), true=most.copy())]
    node.set("length", exp.Case(ifs=cases, default=length.copy()))
    return node


def _joined(node: exp.ArrayToString) -> exp.Expr:
    """No rows are NULL on both; rows of nothing but NULL are '' on Trino and NULL on DuckDB."""
    nothing = exp.If(this=exp.Is(this=node.this.copy(), expression=exp.Null()), true=exp.Null())
    text = exp.Coalesce(this=node, expressions=[exp.Literal.string("")])
    return exp.Case(ifs=[nothing], default=text)
