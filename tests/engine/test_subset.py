"""The lint of the shared SQL: every shipped query passes, every trap is refused by name."""

from __future__ import annotations

import pytest

from recon.engine import queries, subset
from recon.engine.rules import RULES
from tests.engine.refused import REFUSED


@pytest.mark.parametrize("name", queries.names())
def test_shipped_query_stays_in_the_subset(name: str) -> None:
    assert [str(finding) for finding in subset.lint(name, queries.text(name))] == []


@pytest.mark.parametrize("rule, sql", REFUSED, ids=[sql for _, sql in REFUSED])
def test_trap_is_refused(rule: str, sql: str) -> None:
    found = subset.statement("trap", sql)
    assert rule in {finding.rule for finding in found}, [str(finding) for finding in found]
    assert all(finding.safe and finding.why and finding.construct for finding in found)


def test_every_rule_has_a_trap_that_shows_it() -> None:
    assert {rule.name for rule in RULES} - {rule for rule, _ in REFUSED} == set()


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
