"""A log line carries what is on the list and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.telemetry import FIELDS, IDENTIFIERS, TEXT_LENGTH, log

SECRET = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"


def logged(capsys: pytest.CaptureFixture[str], **fields: object) -> dict[str, Any]:
    """What one call writes."""
    log("authorized", **fields)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    read: dict[str, Any] = json.loads(lines[0])
    return read


def test_a_line_has_the_event_and_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    said = logged(capsys, payment_id=2**63 - 1, outcome="ok", duration_ms=12.34567, cold=True, code=None)
    assert said == {"event": "authorized", "payment_id": "9223372036854775807", "outcome": "ok", "duration_ms": 12.346,
                    "cold": True, "code": None}  # fmt: skip


@pytest.mark.property(80)
def test_what_is_not_on_the_list_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    said = logged(capsys, api_key=SECRET, body={"card": "4111111111111111"}, error=ValueError(SECRET))
    assert said == {"event": "authorized", "error": "(ValueError)", "left_out": ["api_key", "body"]}


@pytest.mark.property(80)
@pytest.mark.parametrize(
    "number", ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005"]
)
def test_what_looks_like_a_card_number_is_masked(capsys: pytest.CaptureFixture[str], number: str) -> None:
    assert logged(capsys, reason=f"bad field {number}!")["reason"] == "bad field [masked]!"


def test_a_long_text_is_cut_and_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(logged(capsys, reason="line\n" * 1000)["reason"]) == TEXT_LENGTH


def test_no_field_is_named_like_a_secret() -> None:
    words = ("key", "secret", "token", "password", "pan", "card", "body", "header")
    assert [name for name in FIELDS if any(word in name.split("_") for word in words)] == []
    assert IDENTIFIERS < FIELDS


VALUES = st.none() | st.integers() | st.floats() | st.text() | st.binary()


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), VALUES))
def test_any_value_can_be_logged(fields: dict[str, object]) -> None:
    log("anything", **fields)
