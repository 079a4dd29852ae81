"""A statement that somebody typed, made into a query: held against the subset, its tables and parameters by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from numbers import Integral
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipeline.schemas.tables import TABLES
from recon.engine import dialect, queries, relations, subset
from recon.engine.port import Scalar
from recon.engine.queries import BadQuery, Query
from recon.errors import Refused

NAME = "question"
_WHOLE_DIGITS, _DECIMAL_DIGITS = 20, 18
_TYPES = "str, bool, int, date, aware datetime and Decimal"


class QuestionRefused(Refused):
    """A question cannot be asked as it stands."""


def read(sql: str, given: Mapping[str, object], *, offered: Mapping[str, object]) -> tuple[Query, dict[str, Scalar]]:
    """The query that `sql` is, and its parameters: those given, and of those offered the ones that it takes.

    Raises QuestionRefused naming what stands in the way, and for each construct outside the subset its safe form.
    """
    tree = _parsed(sql)
    used = {str(mark.this) if mark.this else "?" for mark in tree.find_all(exp.Placeholder)}
    chosen = {**given, **{name: value for name, value in offered.items() if name in used}}
    _check_parameters(used, chosen)
    parameters, kinds = _parameters(chosen)
    tables = queries.tables_read(tree)
    query = Query(NAME, sql, "", "", tuple(sorted(tables)), kinds, tree)
    found = subset.findings(query)
    if found:
        said = [f"line {item.line}: {item.rule}: {item.construct}: {item.why}; safe: {item.safe}" for item in found]
        raise QuestionRefused("\n".join(["the statement leaves what means the same on every engine:", *said]))
    _check_tables(tree, tables)
    _name_columns(tree)
    try:
        dialect.bind(query, parameters)
        relations.order_of(tree)
    except BadQuery as error:
        raise QuestionRefused(str(error)) from None
    return query, parameters


def _parsed(sql: str) -> exp.Query:
    try:
        trees = [tree for tree in sqlglot.parse(sql, read=queries.DIALECT) if tree is not None]
    except SqlglotError as error:
        raise QuestionRefused(f"the statement is not Trino's SQL: {str(error).splitlines()[0]}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        found = ", ".join(tree.key.upper() for tree in trees) or "nothing"
        raise QuestionRefused(f"one SELECT was expected; found: {found}")
    return trees[0]


def _parameters(given: Mapping[str, object]) -> tuple[dict[str, Scalar], dict[str, str]]:
    values: dict[str, Scalar] = {}
    kinds: dict[str, str] = {}
    for name, value in given.items():
        values[name], kinds[name] = _typed(name, value)
    return values, kinds


def _typed(name: str, value: Any) -> tuple[Scalar, str]:
    """A parameter's value and its SQL type. Raises QuestionRefused."""
    if isinstance(value, bool):
        return value, "boolean"
    if isinstance(value, str):
        return value, "varchar"
    if isinstance(value, Integral):
        whole = int(value)
        if not -(2**63) <= whole < 2**63:
            raise QuestionRefused(f"parameter {name}: {whole} does not fit a BIGINT; give a Decimal")
        return whole, "bigint"
    if isinstance(value, datetime):
        return value, "timestamp"
    if isinstance(value, date):
        return value, "date"
    if isinstance(value, Decimal):
        _check_digits(name, value)
        return value, "decimal(38, 18)"
    if value is None:
        raise QuestionRefused(f"parameter {name} is None, which has no type; write x IS NULL in the statement")
    advice = "; an amount is an int of minor units, a rate a Decimal" if isinstance(value, float) else ""
    raise QuestionRefused(f"parameter {name} is a {type(value).__name__}; accepted: {_TYPES}{advice}")


def _check_digits(name: str, value: Decimal) -> None:
    _, digits, exponent = value.as_tuple()
    # What is not finite has a letter for an exponent, and is refused where it is written out.
    if isinstance(exponent, int) and (len(digits) + exponent > _WHOLE_DIGITS or -exponent > _DECIMAL_DIGITS):
        raise QuestionRefused(f"parameter {name}: {value} does not fit DECIMAL(38, 18), which has {_WHOLE_DIGITS} "
                              f"digits before the point and {_DECIMAL_DIGITS} after it")


def _check_parameters(used: set[str], given: Mapping[str, object]) -> None:
    if "?" in used:
        raise QuestionRefused("a parameter without a name: write :name instead of ?, and give name=...")
    wrong = {"not given:": sorted(used - set(given)), "not in the statement:": sorted(set(given) - used)}
    said = [f"{what} {', '.join(names)}" for what, names in wrong.items() if names]
    if said:
        wanted = ", ".join(f":{name}" for name in sorted(used)) or "none"
        raise QuestionRefused(f"parameters {'; '.join(said)}; the statement takes {wanted}")


def _check_tables(tree: exp.Query, tables: set[str]) -> None:
    there = ", ".join(sorted(TABLES))
    unknown = sorted(tables - set(TABLES))
    if unknown:
        raise QuestionRefused(f"no table {', '.join(unknown)}; there are {there}")
    hidden = sorted({clause.alias for clause in tree.find_all(exp.CTE)} & set(TABLES))
    if hidden:
        raise QuestionRefused(f"WITH {', '.join(hidden)} has the name of a lake table; choose another")


def _name_columns(tree: exp.Query) -> None:
    """Gives columns without a name Trino's (_col0), since every engine has its own; refuses one name for two."""
    names = []
    for place, column in enumerate(tree.selects):
        name = column.output_name if isinstance(column, exp.Column | exp.Alias) else f"_col{place}"
        if not isinstance(column, exp.Column | exp.Alias):
            column.replace(exp.alias_(column.copy(), name))
        names.append(name)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise QuestionRefused(f"two columns are called {', '.join(twice)}; give each a name of its own with AS")
