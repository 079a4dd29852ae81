"""What kind of statement a text is, its UNLOAD frame, and execution parameters put into it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.local.athena.errors import QueryFailed, invalid

MAX_BYTES = 262_144

# Quoted text, quoted names and comments are one token each, so that what is inside is never taken for SQL.
_TOKEN = re.compile(r"""(?P<text>'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")*")|(?P<comment>--[^\n]*|/\*.*?\*/)"""
                    r"""|(?P<word>[A-Za-z0-9_$.]+)|(?P<space>\s+)|(?P<sign>.)""", re.DOTALL)
_READS = ("SELECT", "WITH", "VALUES", "TABLE")
_OTHERS = ("ALTER", "ANALYZE", "CALL", "CREATE", "DEALLOCATE", "DELETE", "DROP", "EXECUTE", "INSERT", "LOAD", "MERGE",
           "MSCK", "OPTIMIZE", "PREPARE", "TRUNCATE", "UPDATE", "USE", "VACUUM")
_UTILITIES = ("SHOW", "DESCRIBE", "DESC", "EXPLAIN")


@dataclass(frozen=True, slots=True)
class Token:
    """One word, sign, literal or name; `start` and `end` are offsets in the statement."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unload:
    """UNLOAD (query) TO 'target' WITH (...): `target` ends in '/', options are lower-case names with their text."""

    query: str
    target: str
    options: dict[str, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """`kind` is SELECT, UNLOAD, EXPLAIN, SHOW or DESCRIBE; `sql` has no semicolon at its end."""

    kind: str
    sql: str

    @property
    def type(self) -> str:
        """The API's StatementType."""
        return "DML" if self.kind in ("SELECT", "UNLOAD") else "UTILITY"


def parse(sql: str) -> Statement:
    """What `sql` is. Raises ApiError where it is too long, several statements, or of a kind that is not run here."""
    size = len(sql.encode("utf-8"))
    if size > MAX_BYTES:
        raise invalid("1 validation error detected: Value at 'queryString' failed to satisfy constraint: "
                      f"Member must have length less than or equal to {MAX_BYTES}")
    found = list(tokens(sql))
    while found and found[-1].text == ";":
        found.pop()
    if not found:
        raise invalid("Query string cannot be empty")
    if any(token.text == ";" for token in found):
        raise invalid(f"Only one sql statement is allowed. Got: {sql}")
    plain = sql[:found[-1].end].strip()
    first = next((token.text.upper() for token in found if token.text != "("), "")
    if first in _READS:
        return Statement("SELECT", plain)
    if first == "UNLOAD":
        return Statement("UNLOAD", plain)
    if first in _UTILITIES:
        return Statement("DESCRIBE" if first == "DESC" else first, plain)
    if first not in _OTHERS:
        raise _mismatched(sql, found[0], "a statement")
    raise invalid(f"Queries of this type are not supported: {first}. This local server runs SELECT, WITH, VALUES, "
                  "UNLOAD, EXPLAIN, SHOW DATABASES, SHOW TABLES and DESCRIBE; tables are made through the Glue API.")


def tokens(sql: str) -> Iterator[Token]:
    """The tokens of `sql` without comments and space."""
    for match in _TOKEN.finditer(sql):
        if match.lastgroup not in ("comment", "space"):
            yield Token(str(match.lastgroup), match[0], match.start(), match.end())


def unload(sql: str) -> Unload:
    """The frame of an UNLOAD. Raises ApiError where it is not well formed."""
    found = list(tokens(sql))
    if len(found) < 2 or found[1].text != "(":
        raise _mismatched(sql, found[min(1, len(found) - 1)], "'('")
    closing = _closing(sql, found, 1)
    rest = found[closing + 1:]
    if len(rest) < 2 or rest[0].text.upper() != "TO" or rest[1].kind != "text":
        raise _mismatched(sql, rest[0] if rest else found[-1], "'TO' and a location in quotes")
    target = literal(rest[1].text)
    if not re.fullmatch(r"s3://[^/]+/.*", target, re.DOTALL):
        raise invalid(f"UNLOAD location {target!r} is not a valid S3 path")
    query = sql[found[1].end:found[closing].start].strip()
    return Unload(query, target if target.endswith("/") else target + "/", _options(sql, rest[2:]))


def bind(sql: str, parameters: Sequence[str]) -> str:
    """`sql` with each `?` replaced by the text of its parameter, which is SQL itself. Raises QueryFailed."""
    places = [token for token in tokens(sql) if token.kind == "sign" and token.text == "?"]
    if len(places) != len(parameters):
        raise QueryFailed("INVALID_PARAMETER_USAGE", "line 1:1: Incorrect number of parameters: "
                          f"expected {len(places)} but found {len(parameters)}")
    for place, value in reversed(list(zip(places, parameters, strict=True))):
        _one_expression(value)
        sql = f"{sql[:place.start]}{value.strip()}{sql[place.end:]}"
    return sql


def literal(quoted: str) -> str:
    """The text that a quoted SQL literal stands for."""
    return quoted[1:-1].replace("''", "'")


def position(sql: str, offset: int) -> str:
    """`line L:C` of an offset, both from 1."""
    before = sql[:offset]
    return f"line {before.count(chr(10)) + 1}:{offset - (before.rfind(chr(10)) + 1) + 1}"


def _one_expression(value: str) -> None:
    depth = 0
    found = list(tokens(value))
    # A comment could swallow what follows the parameter.
    if not found or any(match.lastgroup == "comment" for match in _TOKEN.finditer(value)):
        raise QueryFailed("SYNTAX_ERROR", f"line 1:1: Parameter {value!r} is not an expression")
    for token in found:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0 or token.text in (";", "'", '"', "?") or (token.text == "," and depth == 0):
            raise QueryFailed("SYNTAX_ERROR", f"line 1:1: Parameter {value!r} is not an expression")
    if depth:
        raise QueryFailed("SYNTAX_ERROR", f"line 1:1: Parameter {value!r} is not an expression")


def _closing(sql: str, found: Sequence[Token], opening: int) -> int:
    depth = 0
    for index in range(opening, len(found)):
        depth += {"(": 1, ")": -1}.get(found[index].text, 0)
        if depth == 0:
            return index
    raise _mismatched(sql, found[-1], "')'")


def _options(sql: str, rest: Sequence[Token]) -> dict[str, str]:
    if not rest:
        return {}
    if len(rest) < 2 or rest[0].text.upper() != "WITH" or rest[1].text != "(" or rest[-1].text != ")":
        raise _mismatched(sql, rest[0], "'WITH' and options in brackets")
    options: dict[str, str] = {}
    name = ""
    for token in rest[2:-1]:
        if token.kind == "word" and not name:
            name = token.text.lower()
        elif token.kind in ("text", "word") and name:
            options[name] = literal(token.text) if token.kind == "text" else token.text
        elif token.text == ",":
            name = ""
    return options


def _mismatched(sql: str, token: Token, expected: str) -> Exception:
    return invalid(f"{position(sql, token.start)}: mismatched input '{token.text}'. Expecting: {expected}")
