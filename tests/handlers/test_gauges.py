"""What operations watch: each gauge as it is read, on one line, and what is missing where a source fails."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.errors import Misused, Retryable
from pipeline.handlers import gauges
from pipeline.ledger.gauges import Unfinished
from tests.telemetry.emf import parse

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Ledger:
    """Stands for the ledger's gauges."""

    def __init__(self, *, crooked: int = 0, trial: dict[str, int] | None = None, oldest: datetime | None = None):
        self.crooked, self.trial, self.oldest = crooked, trial or {}, oldest
        self.window: tuple[datetime, datetime] | None = None

    def unfinished(self) -> Unfinished:
        return Unfinished(9, self.oldest, 2, 1)

    def crooked_journals(self, *, since: datetime, until: datetime) -> int:
        self.window = since, until
        return self.crooked

    def trial_balance(self) -> dict[str, int]:
        return self.trial


class Rows:
    """Stands for the outbox."""

    def __init__(self, waiting: int, oldest: datetime | None) -> None:
        self._found = waiting, oldest

    def lag(self) -> tuple[int, datetime | None]:
        return self._found


def fake(made: object) -> Any:
    """`made` in another's place."""
    return made


@pytest.mark.property(81)
def test_ages_are_seconds_and_never_negative() -> None:
    assert gauges.sagas(fake(Ledger(oldest=AT - timedelta(seconds=95))), AT) == {
        "OldestUnfinishedSaga": 95.0, "InDoubt": 2, "CompensationStuck": 1}
    assert gauges.sagas(fake(Ledger()), AT)["OldestUnfinishedSaga"] == 0
    assert gauges.waiting(fake(Rows(3, AT - timedelta(seconds=1.5))), AT) == {"OutboxWaiting": 3, "OutboxLag": 1.5}
    assert gauges.waiting(fake(Rows(1, AT + timedelta(seconds=1))), AT)["OutboxLag"] == 0
    assert gauges.waiting(fake(Rows(0, None)), AT) == {"OutboxWaiting": 0, "OutboxLag": 0}


@pytest.mark.property(81)
@pytest.mark.parametrize("crooked, trial, expected", [
    (0, {}, 0), (0, {"EUR": 0, "JPY": 0}, 0), (2, {"EUR": 0}, 2), (0, {"EUR": -5, "USD": 5, "GBP": 0}, 2),
    (1, {"KWD": 1}, 2),
])  # fmt: skip
def test_what_does_not_balance_is_counted_by_journal_and_by_currency(
        crooked: int, trial: dict[str, int], expected: int) -> None:
    ledger = Ledger(crooked=crooked, trial=trial)
    assert gauges.imbalance(fake(ledger), AT) == {"Imbalance": expected}
    assert ledger.window is not None
    assert ledger.window[0] < AT - timedelta(minutes=5)


@pytest.mark.property(81)
def test_a_source_that_fails_is_missing_and_holds_up_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    def unreachable() -> gauges.Values:
        raise Retryable("no connection")

    def misused() -> gauges.Values:
        raise Misused("no table")

    values, failed = gauges.read({"outbox": unreachable, "slots": misused, "sagas": lambda: {"InDoubt": 0}})
    assert (values, failed) == ({"InDoubt": 0}, ["outbox", "slots"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["kind"], line["error"]) for line in lines] == [("outbox", "Retryable"), ("slots", "Misused")]


@pytest.mark.property(81)
def test_the_line_has_what_was_read_and_nothing_else(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gauges, "read", lambda sources: ({"InDoubt": 1, "SlotsInUse": 4}, ["outbox"]))
    assert gauges.handler({}, None) == {"outcome": "retryable", "values": {"InDoubt": 1, "SlotsInUse": 4},
                                        "failed": ["outbox"]}
    assert [(datum.name, datum.values) for datum in parse(capsys.readouterr().out)] == [
        ("InDoubt", (1,)), ("SlotsInUse", (4,))]
    monkeypatch.setattr(gauges, "read", lambda sources: ({}, list(sources)))
    assert gauges.handler({}, None)["failed"] == ["sagas", "imbalance", "outbox", "slots"]
    assert capsys.readouterr().out == ""
