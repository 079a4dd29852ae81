"""Every statement says what it asks, is used, and holds nothing that pins a session of RDS Proxy."""

from __future__ import annotations

import re

import pytest

from pipeline.ledger.statements import FOLDER, statement

FILES = sorted(path for path in FOLDER.glob("*.sql") if not path.name[0].isdigit())
PINNING = re.compile(
    r"\b(?:SET\s+(?:SESSION|LOCAL|TIME|\w+\s*=\s*\S+\s*$)|PREPARE|EXECUTE|DEALLOCATE|DISCARD|LISTEN|DECLARE|CURSOR|LOAD|"
    r"TEMP|TEMPORARY|nextval|setval|currval|lastval|pg_advisory_lock|pg_try_advisory_lock|set_config)\b", re.IGNORECASE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_statement_has_a_header_and_is_one_statement(path: object) -> None:
    text = FOLDER.joinpath(str(path)).read_text(encoding="utf-8")
    header = [line for line in text.splitlines() if line.startswith("--")]
    assert [line.split(":")[0] for line in header[:3]] == ["-- purpose", "-- grain", "-- parameters"]
    body = statement(FOLDER.joinpath(str(path)).stem).decode()
    assert ";" not in body
    assert "--" not in body


@pytest.mark.property(62)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_statement_does_not_pin_a_session(path: object) -> None:
    body = statement(FOLDER.joinpath(str(path)).stem)
    assert len(body) < 16_000
    assert not PINNING.search(body.decode())


@pytest.mark.parametrize("bad", ["SELECT nextval('x')", "PREPARE p AS SELECT 1", "SET LOCAL lock_timeout = 1",
                                 "DECLARE c CURSOR FOR SELECT 1", "CREATE TEMP TABLE x (a int)"])
def test_the_pattern_finds_what_pins(bad: str) -> None:
    assert PINNING.search(bad)


def test_every_statement_is_used() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in FOLDER.parent.glob("*.py"))
    assert [path.stem for path in FILES if f'"{path.stem}"' not in code] == []
