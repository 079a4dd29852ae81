"""Captures and cancels: each with a key of its own, on the merchant's own payments alone."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import Retryable
from pipeline.ledger.statuses import Status
from tests.handlers.edge import BODY, Answered, Edge, output, payment

OWN, OTHERS = 11, 12


@pytest.fixture
def edge() -> Edge:
    """An authorized payment of shop_1, and one of shop_2."""
    rows = {OWN: payment(OWN, Status.AUTHORIZED, capture_mode="manual", captured_minor=0),
            OTHERS: payment(OTHERS, Status.AUTHORIZED, merchant_id="shop_2")}
    made = Edge(rows=rows)
    made.machine.plays = lambda given: output("ok", payment(int(given["payment_id"]), saga=given["saga"]))
    return made


def capture(edge: Edge, body: object = None, *, payment_id: object = OWN, **sent: Any) -> Answered:
    """One capture."""
    return edge.send({} if body is None else body, operation="captures", payment_id=payment_id, **sent)


def test_a_capture_starts_its_saga_and_is_replayed(edge: Edge) -> None:
    first = capture(edge, {"amount_minor": 500})
    assert (first.status, first.json["status"], first.json["id"]) == (201, "captured", str(OWN))
    (name, given), = edge.machine.started
    assert name.startswith(f"capture-{OWN}-")
    assert (given["payment_id"], given["saga"], given["request"]) == (str(OWN), "capture", {"amount_minor": 500})
    again = capture(edge, {"amount_minor": 500})
    assert (again.text, again.headers["Idempotent-Replayed"]) == (first.text, "true")
    assert capture(edge, {"amount_minor": 501}).problem == "idempotency-key-reused"
    assert len(edge.machine.started) == 1


def test_a_cancel_starts_its_own(edge: Edge) -> None:
    edge.machine.plays = lambda given: output("ok", payment(OWN, Status.VOIDED, saga="cancel", cause="cancelled"))
    done = edge.send({}, operation="cancels", payment_id=OWN)
    assert (done.status, done.json["status"]) == (201, "voided")
    assert edge.machine.started[0][1]["saga"] == "cancel"


def test_keys_of_payments_captures_and_cancels_are_apart(edge: Edge) -> None:
    capture(edge)
    edge.send({}, operation="cancels", payment_id=OWN)
    edge.send(BODY)
    assert [given["saga"] for _, given in edge.machine.started] == ["capture", "cancel", "pay"]
    assert len({given["hash"] for _, given in edge.machine.started}) == 3


def test_no_body_at_all_captures_everything(edge: Edge) -> None:
    done = edge.send(raw="", operation="captures", payment_id=OWN, headers={"Content-Type": ""})
    assert done.status == 201
    assert edge.machine.started[0][1]["request"] == {}


@pytest.mark.parametrize("wrong", [OTHERS, 99, "0", "x", "-1", "1e3", "٣", str(2**63), "9" * 40, "011"])
def test_what_is_not_the_merchants_own_is_not_there(edge: Edge, wrong: object) -> None:
    answers = [capture(edge, payment_id=wrong), edge.send({}, operation="cancels", payment_id=wrong), edge.get(wrong)]
    assert {(answer.status, answer.problem, answer.text) for answer in answers} == {
        (404, "not-found", answers[0].text)}
    assert not edge.gate.records
    assert not edge.machine.started


def test_reading_gives_the_payment_as_it_stands(edge: Edge) -> None:
    edge.rows[OWN] = payment(OWN, Status.REFUNDED)
    found = edge.get(OWN)
    assert (found.status, found.json["status"], found.json["id"]) == (200, "refunded", str(OWN))


@pytest.mark.parametrize("body, field", [({"amount_minor": 0}, "amount_minor"), ({"amount_minor": 1.0}, "amount_minor"),
                                         ({"currency": "EUR"}, "currency"), ([], "")])
def test_a_wrong_body_is_told_by_field(edge: Edge, body: object, field: str) -> None:
    assert set(capture(edge, body).fields) == {field}
    assert not edge.gate.records


def test_a_cancel_takes_no_amount(edge: Edge) -> None:
    assert set(edge.send({"amount_minor": 1}, operation="cancels", payment_id=OWN).fields) == {"amount_minor"}


def test_an_amount_that_the_payments_gateway_cannot_say_is_refused(edge: Edge) -> None:
    edge.rows[OWN] = payment(OWN, Status.AUTHORIZED, currency="KWD", gateway="stripe")
    assert set(capture(edge, {"amount_minor": 1001}).fields) == {"amount_minor"}


@pytest.mark.parametrize("code, row, status, problem", [
    ("state_conflict", payment(OWN, Status.DECLINED), 409, "payment-state"),
    ("amount_above_authorized", payment(OWN, Status.AUTHORIZED), 422, "invalid-request"),
    ("not_found", None, 404, "not-found"),
])
def test_what_the_state_does_not_allow_leaves_the_key_free(
        edge: Edge, code: str, row: Any, status: int, problem: str) -> None:
    edge.machine.plays = lambda _: output("rejected", row, code)
    refused = capture(edge)
    assert (refused.status, refused.problem) == (status, problem)
    assert not edge.gate.records


def test_a_busy_payment_is_asked_again(edge: Edge) -> None:
    edge.machine.plays = lambda _: output("running", payment(OWN, Status.AUTHORIZING))
    refused = capture(edge)
    assert (refused.status, refused.problem, refused.headers["Retry-After"]) == (409, "payment-busy", "2")
    assert not edge.gate.records


@pytest.mark.property(11)
def test_a_capture_in_doubt_keeps_its_key(edge: Edge) -> None:
    edge.machine.plays = lambda _: output("in_doubt", payment(OWN, Status.IN_DOUBT, saga="capture"))
    assert capture(edge).status == 202
    assert capture(edge).problem == "request-running"


def test_a_capture_that_takes_longer_is_told_with_the_payments_id(edge: Edge) -> None:
    edge.machine.plays = lambda _: None
    told = capture(edge)
    assert (told.status, told.json["id"]) == (202, str(OWN))


def test_a_cancel_that_came_too_late_is_told_and_kept(edge: Edge) -> None:
    edge.machine.plays = lambda _: output("done", payment(OWN, Status.COMMITTED, saga="cancel"))
    first = edge.send({}, operation="cancels", payment_id=OWN)
    assert (first.status, first.json["status"]) == (409, "captured")
    assert edge.send({}, operation="cancels", payment_id=OWN).headers["Idempotent-Replayed"] == "true"


@pytest.mark.property(10)
def test_with_the_ledger_out_of_reach_nothing_begins(edge: Edge) -> None:
    edge.ledger_down = True
    for answer in (capture(edge), edge.get(OWN)):
        assert (answer.status, answer.problem) == (503, "try-again")
    assert not edge.gate.records
    edge.ledger_down = False
    edge.machine.plays = lambda _: Retryable("busy")
    assert capture(edge).status == 503
    assert not edge.gate.records


@pytest.mark.property(1)
def test_without_a_key_nothing_happens(edge: Edge) -> None:
    assert capture(edge, key=None).problem == "idempotency-key"
    assert not edge.machine.started


def test_a_route_that_is_none_is_our_fault(edge: Edge) -> None:
    assert edge.send({}, operation="refunds", payment_id=OWN).problem == "internal"
