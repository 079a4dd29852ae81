"""Queries from recon/sql: one statement per file, its header read and held against the statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

DIALECT = "trino"
_KEYS = ("purpose", "grain", "inputs", "parameters")
_HEADER = re.compile(rf"--\s*({'|'.join(_KEYS)}):\s*(.*)")
_TYPE = r"varchar|text|bigint|integer|boolean|date|timestamp|decimal\(\d+,\s*\d+\)"
_PARAMETER = re.compile(rf"([a-z_][a-z0-9_]*)\s+({_TYPE})")
_COMMA = re.compile(r",(?![^()]*\))")


class BadQuery(ValueError):
    """A file of recon/sql breaks the rules of the folder, or was called with other parameters than it declares."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query: `parameters` maps a name to its declared type, `inputs` are the tables it reads."""

    name: str
    text: str
    purpose: str
    grain: str
    inputs: tuple[str, ...]
    parameters: dict[str, str]
    tree: exp.Query

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that the query gives."""
        return tuple(self.tree.named_selects)


def names() -> list[str]:
    """Every query there is, sorted."""
    return sorted(_files())


def text(name: str) -> str:
    """What the file recon/sql/**/{name}.sql says. Raises BadQuery."""
    try:
        return _files()[name].read_bytes().decode("utf-8")
    except KeyError:
        raise BadQuery(f"no query {name!r} in recon/sql; there are {', '.join(names()) or 'none'}") from None


@cache
def load(name: str) -> Query:
    """The query of recon/sql/**/{name}.sql. Raises BadQuery."""
    return parse(name, text(name))


def parse(name: str, source: str) -> Query:
    """Reads header and statement and checks declared inputs and parameters both ways. Raises BadQuery."""
    header = _header(name, source)
    try:
        statements = [tree for tree in sqlglot.parse(source, read=DIALECT) if tree is not None]
    except SqlglotError as error:
        raise BadQuery(f"{name}.sql: {error}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise BadQuery(f"{name}.sql: one SELECT statement was expected, {len(statements)} statements found")
    tree = statements[0]
    inputs = tuple(part for part in map(str.strip, header["inputs"].split(",")) if part and part != "none")
    parameters = _parameters(name, header["parameters"])
    query = Query(name, source, header["purpose"], header["grain"], inputs, parameters, tree)
    _agree(name, "inputs", set(inputs), tables_read(tree))
    _agree(name, "parameters", set(query.parameters), {str(p.this) for p in tree.find_all(exp.Placeholder)})
    return query


def tables_read(tree: exp.Expr) -> set[str]:
    """Names of the tables that a statement reads, its own WITH names left out."""
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    return {table.name for table in tree.find_all(exp.Table) if table.name and table.name not in own}


def _header(name: str, source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    key = ""
    for line in source.splitlines():
        if not line.startswith("--"):
            break
        match = _HEADER.match(line)
        if match:
            key = match[1]
            found[key] = match[2].strip()
        elif key:
            found[key] = f"{found[key]} {line[2:].strip()}".strip()
    missing = [key for key in _KEYS if key not in found]
    if missing:
        raise BadQuery(f"{name}.sql: the header lacks {', '.join(missing)}; each is a comment line '-- key: value' "
                       "above the statement (parameters and inputs may be 'none')")
    return found


def _parameters(name: str, declared: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in map(str.strip, _COMMA.split(declared)):
        if not part or part == "none":
            continue
        match = _PARAMETER.fullmatch(part)
        if not match:
            raise BadQuery(f"{name}.sql: parameter {part!r}: expected 'name type' with type text, bigint, integer, "
                           "boolean, date, timestamp or decimal(p,s)")
        found[match[1]] = "varchar" if match[2] == "text" else match[2]
    return found


def _agree(name: str, what: str, declared: set[str], used: set[str]) -> None:
    if declared != used:
        raise BadQuery(f"{name}.sql: {what} declared but not used: {sorted(declared - used) or 'none'}; "
                       f"used but not declared: {sorted(used - declared) or 'none'}")


@cache
def _files() -> dict[str, Traversable]:
    found: dict[str, Traversable] = {}
    folders = [resources.files("recon.sql")]
    while folders:
        for item in folders.pop().iterdir():
            if item.is_dir():
                folders.append(item)
            elif item.name.endswith(".sql"):
                name = item.name.removesuffix(".sql")
                if name in found:
                    raise BadQuery(f"two queries are called {name}.sql in recon/sql; a name is used once")
                found[name] = item
    return found
