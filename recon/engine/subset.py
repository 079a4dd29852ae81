"""The lint of recon/sql: every statement stays within the part of Trino's SQL that means the same on every engine.

`python -m recon.engine.subset` reads every file and ends with 1 when something was found.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from recon.engine import queries
from recon.engine.rules import RULES, Rule

FUNCTIONS = frozenset("""
    abs array_agg array_join bitwise_and bitwise_or bitwise_right_shift_arithmetic bitwise_xor bool_and bool_or cast
    coalesce concat count date date_add date_diff date_format date_trunc dense_rank first_value greatest if lag
    last_value lead least length listagg lower max max_by min min_by mod nullif rank regexp_like replace round
    row_number sha256 starts_with strpos substr sum to_hex to_utf8 translate trim try_cast
""".split())
"""Functions by the name that Trino gives them. A file may call no other."""

_STRUCTURE = frozenset("""
    all and any as between by case cross distinct else end except exists filter from full group having in inner
    intersect interval is join left like limit not on or order outer over partition right select then union values
    when where with within decimal timestamp varchar
""".split())
"""Words that may stand before an opening bracket without being a function."""

_TOKENS = {
    TokenType.DCOLON: ("::", "CAST(x AS t)"),
    TokenType.AMP: ("&", "bitwise_and(a, b)"),
    TokenType.PIPE: ("|", "bitwise_or(a, b)"),
    TokenType.CARET: ("^", "bitwise_xor(a, b)"),
    TokenType.TILDE: ("~", "regexp_like(x, p)"),
    TokenType.ARROW: ("->", "Python, or a join"),
    TokenType.L_BRACKET: ("[", "plain columns"),
    TokenType.L_BRACE: ("{", "plain columns"),
    TokenType.SEMICOLON: (";", "one statement without an end mark"),
    TokenType.UNKNOWN: ("an unknown mark", "Trino's SQL"),
}

_NODES: tuple[type[exp.Expr], ...] = (
    exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery, exp.With, exp.CTE, exp.From, exp.Join, exp.Where,
    exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Distinct, exp.Table, exp.TableAlias, exp.Values,
    exp.Tuple, exp.Column, exp.Identifier, exp.Alias, exp.Literal, exp.Boolean, exp.Null, exp.Star, exp.Placeholder,
    exp.Paren, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.In,
    exp.Between, exp.Like, exp.Escape, exp.Exists, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Neg, exp.Add, exp.Sub,
    exp.Mul, exp.Mod, exp.DPipe, exp.Cast, exp.TryCast, exp.DataType, exp.DataTypeParam, exp.Case, exp.If,
    exp.Interval, exp.Var, exp.Window, exp.WindowSpec, exp.Filter, exp.Anonymous, exp.Abs, exp.ArrayAgg,
    exp.ArrayToString, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.LogicalAnd, exp.LogicalOr, exp.Coalesce,
    exp.Concat, exp.Count, exp.Date, exp.DateAdd, exp.DateDiff, exp.TimeToStr, exp.TimestampTrunc, exp.DateTrunc,
    exp.RowNumber,
    exp.Rank, exp.DenseRank, exp.FirstValue, exp.LastValue, exp.Lag, exp.Lead, exp.Greatest, exp.Least, exp.Length,
    exp.GroupConcat, exp.Translate, exp.Max, exp.Min, exp.ArgMax, exp.ArgMin, exp.Nullif, exp.RegexpLike,
    exp.Replace, exp.Round, exp.LowerHex, exp.SHA2Digest, exp.Encode, exp.StartsWith, exp.StrPosition, exp.Substring,
    exp.Sum, exp.Trim,
)
"""Constructs a statement may be made of; whatever is not here is refused even without a rule of its own."""

_TYPES = frozenset(exp.DataType.Type[name] for name in (
    "VARCHAR", "TEXT", "BIGINT", "INT", "BOOLEAN", "DATE", "TIMESTAMP", "DECIMAL"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One refused construct: `line` counts from 1 in the file."""

    query: str
    line: int
    rule: str
    construct: str
    why: str
    safe: str

    def __str__(self) -> str:
        return f"{self.query}.sql:{self.line}: {self.rule}: {self.construct}: {self.why}; safe: {self.safe}"


def lint(name: str, text: str) -> list[Finding]:
    """Everything in the file that leaves the subset, in the order of lines; empty when it may run everywhere."""
    try:
        query = queries.parse(name, text)
    except queries.BadQuery as error:
        return [Finding(name, 1, "file", "the file", str(error), "see recon/sql/README.md")]
    return findings(query)


def findings(query: queries.Query) -> list[Finding]:
    """The same for a query that has been read already."""
    found = [*_tokens(query.name, query.text), *_tree(query.name, query)]
    return sorted(set(found), key=lambda item: (item.line, item.rule, item.construct))


def statement(name: str, sql: str) -> list[Finding]:
    """The same for a bare statement without a header, its parameters taken as they come."""
    try:
        tree = sqlglot.parse_one(sql, read=queries.DIALECT)
    except SqlglotError as error:
        return [Finding(name, 1, "syntax", "the statement", str(error).splitlines()[0], "Trino's SQL")]
    inputs = ", ".join(sorted(queries.tables_read(tree))) or "none"
    used = sorted({f"{mark.this} bigint" for mark in tree.find_all(exp.Placeholder)})
    header = f"-- purpose: -\n-- grain: -\n-- inputs: {inputs}\n-- parameters: {', '.join(used) or 'none'}\n"
    return lint(name, header + sql)


def main() -> int:
    """Lints every file of recon/sql and prints what it found."""
    found = [finding for name in queries.names() for finding in lint(name, queries.text(name))]
    for finding in found:
        print(finding)  # noqa: T201 - this is the command's output
    return 1 if found else 0


def _tokens(name: str, text: str) -> Iterator[Finding]:
    """What the tree no longer shows: spellings that sqlglot understands and Trino does not."""
    tokens = sqlglot.tokenize(text, read=queries.DIALECT)
    for index, token in enumerate(tokens):
        if token.token_type in _TOKENS:
            mark, safe = _TOKENS[token.token_type]
            yield Finding(name, token.line, "spelling", mark, "not in Trino's SQL, or not alike", safe)
        elif token.token_type == TokenType.EQ and token.text == "==":
            yield Finding(name, token.line, "spelling", "==", "not in Trino's SQL", "=")
        elif _calls(tokens, index) and token.text.lower() not in FUNCTIONS | _STRUCTURE:
            yield Finding(name, token.line, "function", f"{token.text}()", "not on the list of shared functions",
                          ", ".join(sorted(FUNCTIONS)))


def _calls(tokens: list[Token], index: int) -> bool:
    """Whether a word stands before a bracket and is not the name of a derived table."""
    if index + 1 >= len(tokens) or tokens[index + 1].token_type != TokenType.L_PAREN:
        return False
    named = index > 0 and (tokens[index - 1].token_type in (TokenType.ALIAS, TokenType.R_PAREN))
    return tokens[index].text.replace("_", "").isalnum() and (not named or tokens[index].text.lower() in FUNCTIONS)


def _tree(name: str, query: queries.Query) -> Iterator[Finding]:
    for node in query.tree.walk():
        broken = [rule for rule in RULES if isinstance(node, rule.nodes) and rule.breaks(node, query.parameters)]
        for rule in broken:
            yield _finding(name, node, rule)
        if not broken and not (type(node) in _NODES and _known_type(node)):
            yield Finding(name, _line(node), "construct", _shown(node), "not part of the shared subset",
                          "see recon/sql/README.md for what is")


def _known_type(node: exp.Expr) -> bool:
    return not isinstance(node, exp.DataType) or node.this in _TYPES


def _finding(name: str, node: exp.Expr, rule: Rule) -> Finding:
    return Finding(name, _line(node), rule.name, _shown(node), rule.why, rule.safe)


def _shown(node: exp.Expr) -> str:
    text = " ".join(node.sql(dialect=queries.DIALECT, comments=False).split()) or type(node).__name__
    return text if len(text) <= 60 else f"{text[:57]}..."


def _line(node: exp.Expr) -> int:
    """Line of the first word of the construct; only some nodes remember theirs."""
    around: exp.Expr | None = node
    while around is not None:
        lines = [part.meta["line"] for part in around.walk() if "line" in part.meta]
        if lines:
            return int(min(lines))
        around = around.parent
    return 1


if __name__ == "__main__":
    sys.exit(main())
