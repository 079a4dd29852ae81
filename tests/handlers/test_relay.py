"""The relay's traces: a saga that asks is gone on with, a round by schedule is linked to those of its rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from pipeline.handlers.relay import LINKS, linked
from pipeline.telemetry.trace import span
from tests.telemetry.otlp import Span, spans

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWN = "1-69a42c80-bd862e3fe1be46a994272793"


@dataclass(frozen=True)
class Waiting:
    """A row of the outbox."""

    outbox_id: str
    trace_id: str
    payment_id: int = 7
    kind: str = "payment_outcome"
    created_at: datetime = AT

    @property
    def body(self) -> str:
        return json.dumps({"payment_id": 7, "trace_id": self.trace_id, "event_at": "x"}, separators=(",", ":"))


def trace(number: int) -> str:
    """The trace of a payment."""
    return f"1-69a42c80-{number:024x}"


def sent(capsys: pytest.CaptureFixture[str], rows: list[Waiting]) -> Span:
    """The span of sending these rows; every second one is accepted."""
    accepted = frozenset(row.outbox_id for row in rows[::2])
    with span("relay", OWN):
        assert linked("payment_outcome", lambda _: accepted)(rows) == accepted
    return next(one for one in spans(capsys.readouterr().out.splitlines()) if one.name == "relay.send")


@pytest.mark.property(79)
def test_a_round_is_linked_to_the_traces_of_its_rows(capsys: pytest.CaptureFixture[str]) -> None:
    found = sent(capsys, [Waiting("a", trace(1)), Waiting("b", trace(1)), Waiting("c", trace(2)), Waiting("d", "none")])
    assert (found.trace_id, found.links) == (OWN, (trace(1), trace(2)))
    assert found.attributes == {"operation": "payment_outcome", "count": 4, "delivered": 2}


@pytest.mark.property(79)
def test_what_is_gone_on_with_is_not_linked(capsys: pytest.CaptureFixture[str]) -> None:
    assert sent(capsys, [Waiting("a", OWN)]).links == ()


def test_a_large_round_has_only_so_many_links(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(sent(capsys, [Waiting(str(n), trace(n + 1)) for n in range(500)]).links) == LINKS
