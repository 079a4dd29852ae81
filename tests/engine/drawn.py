"""Expressions of the subset drawn at random, over rows that hold NULLs, signs, limits and letters of every width."""

from __future__ import annotations

import re
from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from recon.engine.subset import statement

ROWS = """(VALUES
    (CAST(1 AS BIGINT), 5, 'abc', DATE '2026-01-31', TIMESTAMP '2026-03-29 01:59:59.999',
     CAST('1.50' AS DECIMAL(38, 2)), true),
    (CAST(-7 AS BIGINT), -3, '', DATE '1969-12-31', TIMESTAMP '1969-12-31 23:59:59.999',
     CAST('-2.55' AS DECIMAL(38, 2)), false),
    (CAST(NULL AS BIGINT), CAST(NULL AS INTEGER), CAST(NULL AS VARCHAR), CAST(NULL AS DATE), CAST(NULL AS TIMESTAMP),
     CAST(NULL AS DECIMAL(38, 2)), CAST(NULL AS BOOLEAN)),
    (CAST(9007199254740993 AS BIGINT), 0, ' é👍_%x:12', DATE '2024-02-29', TIMESTAMP '2024-02-29 00:00:00',
     CAST('0.005' AS DECIMAL(38, 2)), true),
    (CAST(0 AS BIGINT), 100, 'pi_1', DATE '0999-12-31', TIMESTAMP '0999-01-01 12:00:00.001',
     CAST('99999999.99' AS DECIMAL(38, 2)), CAST(NULL AS BOOLEAN))
) AS t (b, i, s, d, ts, m, o)"""

_LEAVES = {
    "whole": ["t.b", "t.i", "0", "1", "3", "-1", "-5", "256", "CAST(2 AS BIGINT)"],
    "text": ["t.s", "''", "'a'", "'é👍'", "'_'", "' '", "':'", "'12'", "'abc'"],
    "date": ["t.d", "DATE '2026-01-01'", "date(t.ts)"],
    "time": ["t.ts", "TIMESTAMP '2026-10-25 00:30:00'", "CAST(t.d AS TIMESTAMP)"],
    "money": ["CAST(t.m AS DECIMAL(38, 2))", "CAST('-3' AS DECIMAL(38, 2))", "CAST(t.b AS DECIMAL(38, 2))"],
    "truth": ["t.o", "true", "false", "t.s IS NULL"],
}
_ANY = ("whole", "text", "date", "time", "money")
_SAME = ["coalesce({0}, {0})", "CASE WHEN {truth} THEN {0} ELSE {0} END", "CASE WHEN {truth} THEN {0} END",
         "if({truth}, {0}, {0})", "nullif({0}, {0})", "greatest({0}, {0})", "least({0}, {0})"]
_COMPARED = [*(f"{{0}} {mark} {{0}}" for mark in ("=", "<>", "<", "<=", ">", ">=")), "({0}) IS NULL",
             "{0} IN ({0}, {0})", "{0} NOT IN ({0}, {0})", "{0} BETWEEN {0} AND {0}", "{0} IS DISTINCT FROM {0}",
             "{0} IS NOT DISTINCT FROM {0}"]
_FORMS = {
    "whole": [
        "{whole} + {whole}", "{whole} - {whole}", "({whole}) * 7", "-({whole})", "abs({whole})", "mod({whole}, 7)",
        "mod({whole}, nullif({whole}, 0))", "bitwise_and({whole}, {whole})", "bitwise_or({whole}, {whole})",
        "bitwise_xor({whole}, {whole})", "bitwise_right_shift_arithmetic({whole}, 5)", "length({text})",
        "strpos({text}, {text})", "date_diff('day', {date}, {date})", "CAST({truth} AS BIGINT)",
        "date_diff('millisecond', {time}, {time})",
        "CASE {whole} WHEN {whole} THEN {whole} ELSE {whole} END",
    ],
    "text": [
        "{text} || {text}", "concat({text}, {text})", "substr({text}, 2, {whole})", "substr({text}, 3)",
        "substr({text}, strpos({text}, {text}) + 1)", "replace({text}, 'a', {text})", "trim(BOTH {text} FROM {text})",
        "trim(LEADING ' ' FROM {text})", "trim(TRAILING '1' FROM {text})", "translate({text}, 'abé', 'xya')",
        "CAST({whole} AS VARCHAR)", "CAST({date} AS VARCHAR)", "CAST({money} AS VARCHAR)", "CAST({truth} AS VARCHAR)",
        "date_format({time}, '%Y-%m-%dT%H:%i:%sZ')", "lower(to_hex(sha256(to_utf8({text}))))",
    ],
    "date": [
        "CAST({date} + INTERVAL '1' MONTH AS DATE)", "CAST({date} - INTERVAL '30' DAY AS DATE)",
        "CAST(date_add('year', -1, {date}) AS DATE)", "CAST(date_add('week', mod({whole}, 50), {date}) AS DATE)",
        "CAST(date_trunc('month', {date}) AS DATE)", "CAST(date_trunc('week', {date}) AS DATE)", "CAST({time} AS DATE)",
    ],
    "time": [
        "{time} + INTERVAL '1' HOUR", "{time} - INTERVAL '1' MONTH", "date_add('minute', mod({whole}, 90), {time})",
        "date_add('month', 13, {time})", "date_trunc('hour', {time})", "date_trunc('week', {time})",
        "date_trunc('year', {time})", "CAST({date} AS TIMESTAMP)",
    ],
    "money": [
        "{money} + {money}", "{money} - {money}", "({money}) * 3", "-({money})", "abs({money})", "mod({money}, 7)",
        "CAST(round({money}, 1) AS DECIMAL(38, 2))", "CAST(round({money}, -1) AS DECIMAL(38, 2))",
        "CAST(CAST({money} AS DECIMAL(38, 0)) AS DECIMAL(38, 2))", "CAST({whole} AS DECIMAL(38, 2))",
    ],
    "truth": [
        "{truth} AND {truth}", "({truth}) OR {truth}", "NOT ({truth})", "{text} LIKE '%_'", "{text} LIKE {text}",
        "{text} LIKE '%!_%' ESCAPE '!'", "starts_with({text}, {text})", r"regexp_like({text}, '^[a-z]+\z')",
        r"regexp_like({text}, '^(pi_|ch_)[0-9]*\z')", "regexp_like({text}, '^[^a]')", "{date} < {time}",
        "coalesce({truth}, {truth})", "CAST({whole} AS BOOLEAN)",
        *(form.replace("{0}", f"{{{kind}}}") for kind in _ANY for form in _COMPARED),
    ],
}


def expressions(depth: int = 3) -> SearchStrategy[str]:
    """An expression that the subset takes, of any type."""
    found = st.one_of(*(_drawn(kind, depth) for kind in _FORMS))
    return found.filter(lambda sql: not statement("drawn", f"SELECT {sql} AS value FROM t"))


@cache
def _drawn(kind: str, depth: int) -> SearchStrategy[str]:
    leaves = st.sampled_from(_LEAVES[kind])
    if not depth:
        return leaves
    same = [form.replace("{0}", f"{{{kind}}}") for form in _SAME] if kind != "truth" else []
    formed = st.sampled_from([*_FORMS[kind], *same]).flatmap(lambda form: _filled(form, depth - 1))
    return formed if depth > 1 else leaves | formed


def _filled(form: str, depth: int) -> SearchStrategy[str]:
    parts = re.split(r"\{([a-z]+)\}", form)
    drawn = [st.just(part) if number % 2 == 0 else _drawn(part, depth) for number, part in enumerate(parts)]
    return st.tuples(*drawn).map("".join)
