"""One click, one payment: what a merchant gets for every way that a request and its saga can go."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from pipeline.errors import Misused, Retryable
from pipeline.ledger.statuses import Status
from pipeline.telemetry.xray import is_trace_id
from tests.handlers.edge import BODY, FIRST_ID, KEY, Edge, output, payment

ID = str(FIRST_ID)


@pytest.mark.property(19)
def test_a_payment_is_taken_and_told_with_its_id_as_a_string() -> None:
    edge = Edge()
    done = edge.send(BODY | {"reference": "order 7", "metadata": {"cart": "9"}})
    assert done.status == 201
    assert done.json == {"id": ID, "status": "captured", "amount_minor": 1999, "currency": "EUR", "gateway": "adyen",
                         "reference": "order 7"}
    assert done.headers["Location"] == f"https://pay.example/v1/payments/{ID}"
    (name, given), = edge.machine.started
    assert name.startswith(f"pay-{ID}-")
    assert len(name) <= 80
    hashed = given.pop("hash")
    assert len(hashed) == 64
    assert is_trace_id(given.pop("trace_id"))
    assert given == {"payment_id": ID, "saga": "pay", "merchant_id": "shop_1", "request": {
        "amount_minor": 1999, "currency": "EUR", "gateway": "adyen", "gateway_account": "SHOP_EU",
        "capture_mode": "automatic", "method_token": "pm_card_visa", "reference": "order 7", "metadata": {"cart": "9"}}}


def test_the_gateway_is_the_one_asked_for_or_the_currencys() -> None:
    edge = Edge()
    sent = [BODY, BODY | {"currency": "USD"}, BODY | {"gateway": "stripe"}, BODY | {"capture": "manual"}]
    for number, body in enumerate(sent):
        edge.send(body, key=f"{KEY}-{number}")
    asked = [given["request"] for _, given in edge.machine.started]
    assert [(one["gateway"], one["gateway_account"], one["capture_mode"]) for one in asked] == [
        ("adyen", "SHOP_EU", "automatic"), ("stripe", "acct_1", "automatic"), ("stripe", "acct_1", "automatic"),
        ("adyen", "SHOP_EU", "manual")]


@pytest.mark.property(1)
@pytest.mark.parametrize("key", [None, "", "short", "x" * 129, "with space in the key", '"unclosed-quote-here',
                                 "clé-with-accents-0001", "a" * 15 + "\n"])
def test_without_a_good_key_nothing_happens(key: str | None) -> None:
    edge = Edge()
    refused = edge.send(key=key)
    assert (refused.status, refused.problem) == (400, "idempotency-key")
    assert not edge.machine.started
    assert not edge.gate.records


def test_a_quoted_key_is_the_same_key() -> None:
    edge = Edge()
    first, second = edge.send(), edge.send(key=f'"{KEY}"')
    assert (second.text, second.headers["Idempotent-Replayed"]) == (first.text, "true")


def test_two_keys_are_none() -> None:
    refused = Edge().send(event={"multiValueHeaders": {"Idempotency-Key": [KEY, KEY + "2"]}})
    assert refused.problem == "idempotency-key"


@pytest.mark.property(2)
def test_fifty_clicks_at_once_start_one_saga() -> None:
    edge, start = Edge(), threading.Barrier(50)

    def click(_: int) -> int:
        start.wait()
        return edge.send().status

    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(click, range(50)))
    assert len(edge.machine.started) == 1
    assert set(statuses) <= {201, 409}
    assert edge.send().status == 201


@pytest.mark.property(3)
@pytest.mark.property(8)
@pytest.mark.parametrize("status, cause, code", [(Status.COMMITTED, None, 201), (Status.DECLINED, "card_declined", 402),
                                                 (Status.REJECTED, "limit_reached", 402),
                                                 (Status.VOIDED, "authentication_required", 402)])
def test_final_answers_are_replayed_byte_for_byte(status: Status, cause: str | None, code: int) -> None:
    edge = Edge()
    edge.machine.plays = lambda given: output("done", payment(int(given["payment_id"]), status, cause=cause))
    first = edge.send()
    assert first.status == code
    edge.machine.plays = None
    for _ in range(3):
        edge.later(86_400)
        again = edge.send()
        assert (again.status, again.text.encode()) == (first.status, first.text.encode())
        assert again.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.headers
    assert len(edge.machine.started) == 1


@pytest.mark.property(4)
@pytest.mark.parametrize("change", [{"amount_minor": 2000}, {"currency": "USD"}, {"payment_method": "pm_other"},
                                    {"capture": "manual"}, {"reference": "other"}])
def test_the_key_with_another_payload_is_refused(change: dict[str, Any]) -> None:
    edge = Edge()
    first = edge.send()
    refused = edge.send(BODY | change)
    assert (refused.status, refused.problem) == (422, "idempotency-key-reused")
    assert edge.send().text == first.text
    assert len(edge.machine.started) == 1


@pytest.mark.property(5)
def test_order_spaces_and_defaults_said_aloud_make_no_other_request() -> None:
    edge = Edge()
    first = edge.send()
    turned = dict(reversed((BODY | {"capture": "automatic", "metadata": {}, "reference": None}).items()))
    again = edge.send(raw=json.dumps(turned, indent=4))
    assert (again.text, again.headers["Idempotent-Replayed"]) == (first.text, "true")


@pytest.mark.property(6)
@pytest.mark.property(11)
def test_while_it_runs_a_retry_is_told_to_wait_and_then_inherits_the_payment() -> None:
    edge = Edge()
    edge.machine.plays = lambda _: None
    first = edge.send(BODY | {"reference": "r"})
    assert first.status == 202
    assert first.json == {"id": ID, "status": "received", "amount_minor": 1999, "currency": "EUR", "gateway": "adyen",
                          "reference": "r"}
    assert first.headers["Location"].endswith(ID)
    waiting = edge.send(BODY | {"reference": "r"})
    assert (waiting.status, waiting.problem, waiting.json["payment_id"]) == (409, "request-running", ID)
    assert waiting.headers["Retry-After"] == "2"
    edge.later(38)
    edge.machine.plays = lambda given: output("done", payment(int(given["payment_id"]), reference="r"))
    last = edge.send(BODY | {"reference": "r"})
    assert (last.status, last.json["id"], last.json["status"]) == (201, ID, "captured")
    assert [given["payment_id"] for _, given in edge.machine.started] == [ID, ID]
    assert len({name for name, _ in edge.machine.started}) == 2
    assert edge.send(BODY | {"reference": "r"}).text == last.text


@pytest.mark.property(7)
def test_the_same_key_of_two_merchants_makes_two_payments() -> None:
    edge = Edge()
    first, second = edge.send(merchant="shop_1"), edge.send(merchant="shop_2")
    assert first.json["id"] != second.json["id"]
    assert [given["merchant_id"] for _, given in edge.machine.started] == ["shop_1", "shop_2"]


@pytest.mark.property(9)
def test_a_refused_body_leaves_the_key_free() -> None:
    edge = Edge()
    refused = edge.send(BODY | {"amount_minor": 0})
    assert (refused.status, refused.fields) == (422, {"amount_minor": "Input should be greater than or equal to 1"})
    assert not edge.gate.records
    assert edge.send().status == 201


@pytest.mark.property(10)
@pytest.mark.parametrize("trouble", [Retryable("busy"), output("retryable", None, "unreachable")])
def test_what_certainly_did_not_begin_can_be_asked_again(trouble: Any) -> None:
    edge = Edge()
    edge.machine.plays = lambda _: trouble
    refused = edge.send()
    assert (refused.status, refused.problem, refused.headers["Retry-After"]) == (503, "try-again", "2")
    assert not edge.gate.records
    edge.machine.plays = None
    assert edge.send().status == 201


@pytest.mark.property(11)
def test_in_doubt_is_told_with_its_id_and_later_with_the_truth() -> None:
    edge = Edge()
    edge.machine.plays = lambda given: output("in_doubt", payment(int(given["payment_id"]), Status.IN_DOUBT))
    first = edge.send()
    assert (first.status, first.json["id"], first.json["status"]) == (202, ID, "in_doubt")
    edge.later(60)
    assert edge.send().problem == "request-running"
    (hashed, record), = edge.gate.records.items()
    assert record.state == "RECOVERING"
    edge.gate.close(hashed, payment_id=FIRST_ID, status_code=402, body=b'{"id":"x"}', at=edge.at)
    told = edge.send()
    assert (told.status, told.text) == (402, '{"id":"x"}')


@pytest.mark.property(13)
def test_a_zombie_tells_what_it_knows_and_stores_nothing() -> None:
    edge = Edge()

    def overtaken(given: dict[str, Any]) -> Any:
        edge.machine.plays = None
        edge.later(40)
        assert edge.send().status == 201
        return output("superseded", payment(int(given["payment_id"]), Status.DECLINED, cause="late"))

    edge.machine.plays = overtaken
    zombie = edge.send()
    assert zombie.json["id"] == ID
    assert edge.send().status == 201
    assert edge.log[-2]["event"] == "record_left"


@pytest.mark.property(16)
def test_a_key_that_the_gate_forgot_is_answered_with_the_ledgers_payment() -> None:
    edge = Edge()
    old = payment(5, Status.COMMITTED)
    edge.machine.plays = lambda _: output("done", old)
    answered = edge.send()
    assert (answered.status, answered.json["id"]) == (201, "5")
    assert answered.headers["Location"].endswith("/5")
    edge.machine.plays = None
    assert edge.send().json["id"] == "5"
    edge.gate.records.clear()
    edge.machine.plays = lambda _: output("done", payment(5, Status.COMMITTED, amount_minor=1))
    assert edge.send().problem == "idempotency-key-reused"
    assert not edge.gate.records


@pytest.mark.property(17)
def test_what_no_authorizer_let_in_gets_nothing() -> None:
    edge = Edge()
    refused = edge.send(merchant=None, headers={"merchant_id": "shop_1", "X-Merchant-Id": "shop_1"})
    assert refused.problem == "internal"
    assert not edge.gate.records
    assert not edge.machine.started


@pytest.mark.property(17)
def test_the_merchant_is_the_authorizers_whatever_headers_and_body_say() -> None:
    edge = Edge()
    edge.send(headers={"merchant_id": "shop_2", "X-Merchant-Id": "shop_2"})
    assert edge.machine.started[0][1]["merchant_id"] == "shop_1"
    said = edge.send(BODY | {"merchant_id": "shop_2"}, key=KEY + "-2")
    assert said.fields == {"merchant_id": "this field is not known"}


@pytest.mark.property(23)
def test_without_an_id_nothing_is_claimed() -> None:
    def exhausted() -> int:
        raise Retryable("no worker slot is free")

    edge = Edge(mint=exhausted)
    refused = edge.send()
    assert (refused.status, refused.problem) == (503, "try-again")
    assert not edge.gate.records


def test_a_machine_that_is_not_there_is_our_fault_and_leaves_the_key_free() -> None:
    edge = Edge()
    edge.machine.plays = lambda _: Misused("no such machine")
    assert (edge.send().status, edge.gate.records) == (500, {})


@pytest.mark.property(12)
def test_a_takeover_that_could_not_begin_keeps_its_payment() -> None:
    edge = Edge()
    edge.machine.plays = lambda _: None
    edge.send()
    edge.later(38)
    edge.machine.plays = lambda _: Retryable("busy")
    assert edge.send().status == 503
    edge.machine.plays = None
    assert edge.send().json["id"] == ID


@pytest.mark.property(15)
def test_after_the_retention_a_key_begins_anew() -> None:
    edge = Edge()
    edge.send()
    edge.at += timedelta(days=31)
    assert edge.send().json["id"] == str(FIRST_ID + 1)
