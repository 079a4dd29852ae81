"""The lint of the shared SQL: every shipped query passes, every trap is refused by name."""

from __future__ import annotations

import pytest

from recon.engine import queries, subset
from recon.engine.rules import RULES

TRAPS: list[tuple[str, str]] = [
    ("division", "SELECT t.a / 2 FROM t"),
    ("division", "SELECT t.a FROM t WHERE t.a / t.b > 1"),
    ("modulo", "SELECT mod(t.a, t.b) FROM t"),
    ("modulo", "SELECT t.a % 0 FROM t"),
    ("sum", "SELECT sum(t.a) FROM t"),
    ("sum", "SELECT sum(t.a) + 1 FROM t"),
    ("sum", "SELECT sum(t.a) OVER (ORDER BY t.b) FROM t"),
    ("sum", "SELECT CAST(sum(t.a) AS DECIMAL(18, 2)) FROM t"),
    ("sum", "SELECT TRY_CAST(sum(t.a) AS BIGINT) FROM t"),
    ("average", "SELECT avg(t.a) FROM t"),
    ("decimal_precision", "SELECT CAST('1.1' AS DECIMAL)"),
    ("decimal_precision", "SELECT CAST('1.1' AS DECIMAL(18))"),
    ("float", "SELECT CAST(t.a AS DOUBLE) FROM t"),
    ("float", "SELECT CAST(t.a AS REAL) FROM t"),
    ("float", "SELECT 1e3"),
    ("round_by_cast", "SELECT CAST(2.5 AS BIGINT)"),
    ("round_by_cast", "SELECT CAST(CAST(t.a AS DECIMAL(10, 2)) AS INTEGER) FROM t"),
    ("round_by_cast", "SELECT CAST(t.fx_rate AS BIGINT) FROM t"),
    ("round", "SELECT round(t.a) FROM t"),
    ("round", "SELECT round(CAST(t.a AS DECIMAL(10, 2)), t.b) FROM t"),
    ("text_to_number", "SELECT CAST(t.payment_ref AS BIGINT) FROM t"),
    ("text_to_number", "SELECT TRY_CAST(t.raw_type AS DECIMAL(38, 0)) FROM t"),
    ("text_to_number", "SELECT CAST('1e3' AS BIGINT)"),
    ("date_diff", "SELECT date_diff('day', t.event_at, t.recorded_at) FROM t"),
    ("date_diff", "SELECT date_diff('day', CAST(t.a AS DATE), t.b) FROM t"),
    ("date_diff", "SELECT date_diff('week', CAST(t.a AS DATE), CAST(t.b AS DATE)) FROM t"),
    ("date_arithmetic", "SELECT t.dt + INTERVAL '1' DAY FROM t"),
    ("date_arithmetic", "SELECT DATE '2026-01-01' - INTERVAL '1' DAY"),
    ("date_arithmetic", "SELECT date_add('day', 1, CAST(t.a AS DATE)) FROM t"),
    ("date_arithmetic", "SELECT date_trunc('month', date(t.a)) FROM t"),
    ("time_difference", "SELECT t.recorded_at - t.event_at FROM t"),
    ("time_difference", "SELECT CAST(t.a AS DATE) - DATE '2026-01-01' FROM t"),
    ("unit", "SELECT date_trunc('quarter', t.a) FROM t"),
    ("unit", "SELECT t.a + INTERVAL '1-2' YEAR TO MONTH FROM t"),
    ("unit", "SELECT date_add('millisecond', 1, t.a) FROM t"),
    ("timestamp_precision", "SELECT CAST(t.a AS TIMESTAMP(6)) FROM t"),
    ("timestamp_precision", "SELECT TIMESTAMP '2026-01-01 00:00:00.123456'"),
    ("time_zone", "SELECT t.a AT TIME ZONE 'UTC' FROM t"),
    ("time_zone", "SELECT CAST(t.a AS TIMESTAMP WITH TIME ZONE) FROM t"),
    ("clock", "SELECT current_date"),
    ("clock", "SELECT now()"),
    ("time_as_text", "SELECT CAST(t.event_at AS VARCHAR) FROM t"),
    ("date_format", "SELECT date_format(t.a, '%W') FROM t"),
    ("text_to_time", "SELECT CAST(t.raw_type AS DATE) FROM t"),
    ("mixed_comparison", "SELECT t.a FROM t WHERE t.dt >= '2026-01-01'"),
    ("mixed_comparison", "SELECT t.a FROM t WHERE t.payment_id = t.payment_ref"),
    ("mixed_comparison", "SELECT t.a FROM t WHERE t.hr IN (1, 2)"),
    ("mixed_comparison", "SELECT t.a FROM t WHERE t.event_at BETWEEN '2026-01-01' AND '2026-01-02'"),
    ("varchar_length", "SELECT CAST(t.a AS VARCHAR(3)) FROM t"),
    ("trim", "SELECT trim(t.a) FROM t"),
    ("substr", "SELECT substr(t.a, 0, 2) FROM t"),
    ("substr", "SELECT substr(t.a, -2) FROM t"),
    ("regex", "SELECT regexp_like(t.a, '^[0-9]+$') FROM t"),
    ("regex", r"SELECT regexp_like(t.a, '\d') FROM t"),
    ("regex", "SELECT regexp_like(t.a, '(?i)x') FROM t"),
    ("regex", "SELECT regexp_like(t.a, t.b) FROM t"),
    ("regex_extract", "SELECT regexp_extract(t.a, '[0-9]+') FROM t"),
    ("case_blind", "SELECT t.a FROM t WHERE t.a ILIKE 'x%'"),
    ("hash", "SELECT sha256(t.a) FROM t"),
    ("hash", "SELECT to_hex(sha256(to_utf8(t.a))) FROM t"),
    ("hash", "SELECT to_utf8(t.a) FROM t"),
    ("hash", "SELECT md5(to_utf8(t.a)) FROM t"),
    ("function", "SELECT bitwise_left_shift(t.a, 2) FROM t"),
    ("shift", "SELECT t.a >> 2 FROM t"),
    ("aggregate_order", "SELECT array_agg(t.a ORDER BY t.a) FROM t"),
    ("aggregate_order", "SELECT array_join(array_agg(t.a), ',') FROM t"),
    ("array_join", "SELECT array_join(array_agg(t.a ORDER BY t.a), ',', 'none') FROM t"),
    ("min_by", "SELECT min_by(t.a, t.b, 2) FROM t"),
    ("window_order", "SELECT row_number() OVER (PARTITION BY t.a) FROM t"),
    ("limit", "SELECT t.a FROM t LIMIT 5"),
    ("count_distinct", "SELECT count(DISTINCT t.a, t.b) FROM t"),
    ("approximate", "SELECT approx_distinct(t.a) FROM t"),
    ("approximate", "SELECT approx_percentile(t.a, 0.5) FROM t"),
    ("any_value", "SELECT any_value(t.a) FROM t"),
    ("star", "SELECT * FROM t"),
    ("star", "SELECT t.* FROM t"),
    ("star", "SELECT * EXCLUDE (a) FROM t"),
    ("table_function", "SELECT t.a FROM read_parquet('x') AS t"),
    ("table_function", "SELECT u.a FROM UNNEST(sequence(1, 3)) AS u (a)"),
    ("table_function", "SELECT t.a FROM t TABLESAMPLE BERNOULLI (5)"),
    ("table_function", "SELECT t.a FROM lake.t"),
    ("join", "SELECT t.a FROM t ASOF JOIN u ON t.a >= u.a"),
    ("join", "SELECT t.a FROM t INNER JOIN u USING (a)"),
    ("join", "SELECT t.a FROM t NATURAL JOIN u"),
    ("join", "SELECT t.a FROM t, u"),
    ("join", "SELECT t.a FROM t SEMI JOIN u ON t.a = u.a"),
    ("group", "SELECT t.a, count(*) FROM t GROUP BY ALL"),
    ("construct", "SELECT t.a, count(*) FROM t GROUP BY ROLLUP (t.a)"),
    ("distinct_on", "SELECT DISTINCT ON (t.a) t.a FROM t"),
    ("recursion", "WITH RECURSIVE r AS (SELECT 1 AS n) SELECT r.n FROM r"),
    ("alias_reuse", "SELECT t.a + 1 AS b, b + 1 AS c FROM t"),
    ("alias_reuse", "SELECT t.a + 1 AS b FROM t WHERE b > 1"),
    ("alias_reuse", "SELECT t.a + 1 AS b, count(*) FROM t GROUP BY b"),
    ("is_true", "SELECT t.a FROM t WHERE t.b IS TRUE"),
    ("set_by_name", "SELECT t.a FROM t UNION ALL BY NAME SELECT t.a FROM t"),
    ("identifier", 'SELECT t."A" FROM t'),
    ("identifier", "SELECT t.Amount FROM t"),
    ("identifier", "SELECT t.a AS first FROM t"),
    ("identifier", "SELECT t.a FROM t AS skip"),
    ("lambda", "SELECT filter(t.a, x -> x > 1) FROM t"),
    ("nested", "SELECT t.a[1] FROM t"),
    ("nested", "SELECT json_extract_scalar(t.a, '$.x') FROM t"),
    ("random", "SELECT random()"),
    ("spelling", "SELECT t.a::bigint FROM t"),
    ("spelling", "SELECT t.a FROM t WHERE t.a == 1"),
    ("spelling", "SELECT t.a & 1 FROM t"),
    ("spelling", "SELECT t.a FROM t;"),
    ("function", "SELECT ifnull(t.a, 1) FROM t"),
    ("function", "SELECT format('%.2f', t.a) FROM t"),
    ("function", "SELECT xxhash64(to_utf8(t.a)) FROM t"),
    ("function", "SELECT split_part(t.a, ':', 2) FROM t"),
    ("function", "SELECT count_if(t.a > 1) FROM t"),
    ("function", "SELECT from_unixtime(t.a) FROM t"),
    ("construct", "SELECT t.a FROM t WHERE t.a = ANY (SELECT 1)"),
    ("construct", "SELECT lag(t.a) IGNORE NULLS OVER (ORDER BY t.b) FROM t"),
    ("syntax", "SELECT t.a FROM t QUALIFY row_number() OVER (ORDER BY t.a) = 1"),
    ("syntax", "SELECT t.a // 2 FROM t"),
    ("file", "DELETE FROM t"),
]


@pytest.mark.parametrize("name", queries.names())
def test_shipped_query_stays_in_the_subset(name: str) -> None:
    assert [str(finding) for finding in subset.lint(name, queries.text(name))] == []


@pytest.mark.parametrize("rule, sql", TRAPS, ids=[sql for _, sql in TRAPS])
def test_trap_is_refused(rule: str, sql: str) -> None:
    found = subset.statement("trap", sql)
    assert rule in {finding.rule for finding in found}, [str(finding) for finding in found]
    assert all(finding.safe and finding.why and finding.construct for finding in found)


def test_every_rule_has_a_trap_that_shows_it() -> None:
    assert {rule.name for rule in RULES} - {rule for rule, _ in TRAPS} == set()


def test_finding_names_file_line_and_safe_form() -> None:
    text = ("-- purpose: p\n-- grain: g\n-- inputs: t\n-- parameters: none\n"
            "SELECT\n    t.a,\n    t.b / 2 AS half\nFROM t\n")
    (finding,) = subset.lint("halves", text)
    assert (finding.query, finding.line, finding.rule) == ("halves", 7, "division")
    assert str(finding) == ("halves.sql:7: division: t.b / 2: integer and decimal division differ between engines; "
                            "safe: keep minor units, multiply across, or divide in Python with a named rounding")


def test_alias_beside_a_column_of_that_name_is_the_column() -> None:
    assert subset.statement("q", "SELECT min(a) AS a, max(abs(a)) AS b FROM t") == []
    assert subset.statement("q", "SELECT t.a + 1 AS b FROM t ORDER BY b") == []


def test_command_ends_with_the_number_of_its_verdict(monkeypatch: pytest.MonkeyPatch,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    assert subset.main() == 0
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(queries, "names", lambda: ["bad"])
    monkeypatch.setattr(queries, "text", lambda _: "SELECT 1")
    assert subset.main() == 1
    assert "bad.sql:1: file: the file: bad.sql: the header lacks purpose" in capsys.readouterr().out
