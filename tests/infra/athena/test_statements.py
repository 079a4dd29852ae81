"""Reading statements without a parser of their own: tokens, kinds, UNLOAD, parameters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.athena.errors import ApiError, QueryFailed
from infra.local.athena.statements import bind, literal, parse, tokens, unload

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.mark.parametrize("sql, kind, kind_of_type", [
    ("select 1", "SELECT", "DML"), ("\n -- UNLOAD\n /* DROP */ WITH x AS (SELECT 1) SELECT * FROM x", "SELECT", "DML"),
    ("((SELECT 1))", "SELECT", "DML"), ("VALUES 1", "SELECT", "DML"), ("unload (select 1)", "UNLOAD", "DML"),
    ("explain select 1", "EXPLAIN", "UTILITY"), ("SHOW TABLES", "SHOW", "UTILITY"), ("DESC t", "DESCRIBE", "UTILITY"),
])
def test_kinds(sql: str, kind: str, kind_of_type: str) -> None:
    assert (parse(sql).kind, parse(sql).type) == (kind, kind_of_type)


@given(TEXTS, TEXTS, TEXTS)
def test_an_unload_is_taken_apart_whatever_its_query_says(text: str, folder: str, name: str) -> None:
    column = '"' + name.replace('"', '""') + '"'
    query = f"SELECT {quoted(text)} AS {column}, ((1)) AS b -- {folder.split(chr(10))[0]} )\n"
    target = quoted("s3://bucket/" + folder)
    found = unload(f"UNLOAD ({query}) TO {target} WITH (format = 'PARQUET', compression='SNAPPY')")
    # Of the comment nothing is left but what stands before it.
    assert found.query.startswith(f"SELECT {quoted(text)} AS {column}, ((1)) AS b".strip())
    assert found.target == "s3://bucket/" + folder + ("" if ("/" + folder).endswith("/") else "/")
    assert found.options == {"format": "PARQUET", "compression": "SNAPPY"}


@given(st.lists(TEXTS, max_size=4), TEXTS)
def test_parameters_take_the_place_of_marks_and_of_nothing_else(values: list[str], text: str) -> None:
    marks = ", ".join("?" for _ in values)
    tail = f" {quoted(text + '?')} /* ? */ \"?\" -- ?"
    bound = bind(f"SELECT {marks}{tail}", [quoted(value) for value in values])
    assert bound == f"SELECT {', '.join(map(quoted, values))}{tail}"


@given(TEXTS)
def test_literals(text: str) -> None:
    found = list(tokens(f"{quoted(text)} x"))
    assert [(token.kind, literal(token.text)) for token in found[:1]] == [("text", text)]


@pytest.mark.parametrize("sql", [
    "UNLOAD (SELECT 1) TO s3://x/", "UNLOAD (SELECT 1) TO 'x'", "UNLOAD (SELECT 1 TO 's3://b/x'", "UNLOAD", "UNLOAD (",
    "UNLOAD (SELECT 1) TO 's3://b/x' format = 'PARQUET'", "UNLOAD (SELECT 1) FROM 's3://b/x'",
])
def test_an_unload_that_is_not_well_formed(sql: str) -> None:
    with pytest.raises(ApiError):
        unload(sql)


@pytest.mark.parametrize("parameter", ["", "1)", "(1", "a, b", "1;", "1 -- x", "1 /* */", "'x", "?"])
def test_parameters_that_are_no_expression(parameter: str) -> None:
    with pytest.raises(QueryFailed, match="is not an expression"):
        bind("SELECT ?", [parameter])
