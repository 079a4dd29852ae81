"""Webhooks: only what the gateway signed is read, and both gateways' events come in one form."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from Adyen.util import generate_notification_sig
from hypothesis import given
from hypothesis import strategies as st

from infra.local.gateways.outbox import Event
from infra.local.gateways.signing import adyen_signature, stripe_signature
from pipeline.errors import Misused
from pipeline.gateways.adyen_events import sign
from pipeline.gateways.events import KINDS, GatewayEvent, WebhookRefused
from pipeline.gateways.webhooks import LONGEST_BODY, read_webhook
from tests.gateways.contract import TWIN_NOW, within_process

pytestmark = pytest.mark.property(48)

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRETS = {"stripe_webhook_secret": "whsec_test", "adyen_hmac_key": "44782DEF547AAA06C910C43932B1EB0C"}
INTENT = {"id": "pi_1", "object": "payment_intent", "currency": "jpy", "amount": 1500, "amount_received": 1500,
          "latest_charge": "ch_1", "metadata": {"payment_id": "77"},
          "payment_method_details": {"card": {"last4": "4242"}}}
EVENT = {"id": "evt_1", "object": "event", "created": 1772452800, "type": "payment_intent.succeeded",
         "data": {"object": INTENT}}
ITEM: dict[str, Any] = {
    "additionalData": {"cardSummary": "4242"}, "amount": {"currency": "ISK", "value": 150000}, "eventCode": "CAPTURE",
    "eventDate": "2026-03-02T13:00:00+01:00", "merchantAccountCode": "ShopECOM", "merchantReference": "77",
    "originalReference": "PSP1", "pspReference": "MOD1", "reason": "", "success": "true"}


def _stripe(message: Any = EVENT, *, secret: str = "whsec_test", at: datetime = AT, signed_at: datetime = AT,
            header: str | None = None) -> list[GatewayEvent]:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    given = header if header is not None else stripe_signature(secret, body, int(signed_at.timestamp()))
    return read_webhook("stripe", body, {"Stripe-Signature": given}, secrets=SECRETS, at=at)


def _adyen(*items: dict[str, Any], key: str = SECRETS["adyen_hmac_key"]) -> list[GatewayEvent]:
    return _read_adyen(*(_signed(item, key) for item in items))


def _read_adyen(*items: dict[str, Any]) -> list[GatewayEvent]:
    body = json.dumps({"live": "false", "notificationItems": [{"NotificationRequestItem": item} for item in items]})
    return read_webhook("adyen", body.encode(), {}, secrets=SECRETS, at=AT)


def _signed(item: dict[str, Any], key: str = SECRETS["adyen_hmac_key"]) -> dict[str, Any]:
    return {**item, "additionalData": {**item["additionalData"], "hmacSignature": adyen_signature(key, item)}}


def _refusal(read: Callable[[], object]) -> str:
    with pytest.raises(WebhookRefused) as refused:
        read()
    return refused.value.code


def test_stripes_event_is_read() -> None:
    assert _stripe() == [GatewayEvent(
        "stripe", "evt_1", "capture", 77, "pi_1", "ch_1", 1500, "JPY", AT, True, raw_kind="payment_intent.succeeded")]


def test_adyens_item_is_read() -> None:
    assert _adyen(ITEM) == [GatewayEvent(
        "adyen", "CAPTURE:MOD1:true", "capture", 77, "PSP1", "MOD1", 1500, "ISK", AT, True, "ShopECOM", "CAPTURE")]


def test_no_card_data_is_kept() -> None:
    assert "4242" not in repr([*_stripe(), *_adyen(ITEM)])


def test_stripes_signature_is_what_stripes_own_code_makes() -> None:
    body = json.dumps(EVENT)
    header = stripe.WebhookSignature.generate_signature_header(body, "whsec_test", int(AT.timestamp()))
    assert _stripe(body.encode(), header=header)[0].event_id == "evt_1"


@pytest.mark.parametrize("header", [
    "", "t=1772452800", "v1=00", "t=x,v1=00", "t=1772452800,v1=00", "t=1772452800,v0=00", ",,=", "t=1772452800,v1=é"])
def test_a_forged_signature_is_refused(header: str) -> None:
    assert _refusal(lambda: _stripe(header=header)) == "forged"


def test_another_secret_another_body_or_no_signature_is_forged() -> None:
    good = stripe_signature("whsec_test", json.dumps(EVENT).encode(), int(AT.timestamp()))
    assert _refusal(lambda: _stripe(secret="whsec_other")) == "forged"
    assert _refusal(lambda: _stripe({**EVENT, "id": "evt_2"}, header=good)) == "forged"
    assert _refusal(lambda: read_webhook("stripe", b"{}", {}, secrets=SECRETS, at=AT)) == "forged"
    longer = good.replace("t=1772452800", "t=1772452800=9")
    assert _stripe(header=longer)[0].event_id == "evt_1"


@pytest.mark.parametrize("minutes, fresh", [(-6, False), (-4, True), (0, True), (4, True), (6, False)])
def test_a_signature_is_good_for_five_minutes(minutes: int, fresh: bool) -> None:
    at = AT + timedelta(minutes=minutes)
    if fresh:
        assert _stripe(at=at)
    else:
        assert _refusal(lambda: _stripe(at=at)) == "stale"


def test_one_of_two_signatures_is_enough_while_the_secret_is_changed() -> None:
    body = json.dumps(EVENT).encode()
    seconds = int(AT.timestamp())
    other = stripe_signature("whsec_old", body, seconds).partition(",")[2]
    assert _stripe(body, header=stripe_signature("whsec_test", body, seconds) + f",{other}")


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("field, value", [
    ("pspReference", "X"), ("originalReference", "X"), ("merchantAccountCode", "X"), ("merchantReference", "78"),
    ("amount", {"currency": "ISK", "value": 1}), ("amount", {"currency": "EUR", "value": 150000}),
    ("eventCode", "REFUND"), ("success", "false"), ("additionalData", {}), ("additionalData", {"hmacSignature": "é"})])
def test_one_forged_item_refuses_the_whole_batch(place: int, field: str, value: Any) -> None:
    items = [_signed(ITEM) for _ in range(3)]
    assert len(_read_adyen(*items)) == 3
    items[place] = {**items[place], field: value}
    assert _refusal(lambda: _read_adyen(*items)) == "forged"


def test_another_key_is_forged_and_a_colon_is_not_escaped() -> None:
    assert _refusal(lambda: _adyen(ITEM, key="00" * 16)) == "forged"
    assert _adyen({**ITEM, "merchantReference": r"a:b\c"})[0].payment_id is None


@given(st.builds(dict, pspReference=st.text(), merchantReference=st.text(), eventCode=st.text(), success=st.text(),
                 merchantAccountCode=st.text(),
                 amount=st.builds(dict, value=st.integers(), currency=st.text())))
def test_the_signed_text_is_adyens_own(item: dict[str, Any]) -> None:
    key = SECRETS["adyen_hmac_key"]
    assert sign(item, bytes.fromhex(key)) == generate_notification_sig(deepcopy(item), key).decode()


@pytest.mark.parametrize("message", [
    b"", b"[]", b"no json", b"\xff\xfe", b"[" * 100_000, {}, {**EVENT, "object": "charge"}, {**EVENT, "id": None},
    {**EVENT, "created": "now"}, {**EVENT, "created": 10**30}, {**EVENT, "type": 7},
    {**EVENT, "data": {"object": {"currency": "xxx", "amount_received": 1}}}])
def test_a_signed_message_that_cannot_be_read_is_malformed(message: Any) -> None:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    if body == b"\xff\xfe":
        header = "t=1772452800,v1=00"
        assert _refusal(lambda: _stripe(body, header=header)) == "malformed"
    else:
        assert _refusal(lambda: _stripe(body)) == "malformed"


@pytest.mark.parametrize("change", [
    {"success": True}, {"success": "yes"}, {"eventDate": "today"}, {"eventDate": "2026-03-02T13:00:00"},
    {"eventDate": None}, {"amount": {"currency": "ISK", "value": 150001}}, {"amount": {"currency": "???", "value": 1}},
    {"amount": {"currency": "ISK", "value": "1"}}, {"pspReference": ""}, {"eventCode": ""}])
def test_a_signed_item_that_cannot_be_read_is_malformed(change: dict[str, Any]) -> None:
    assert _refusal(lambda: _adyen(ITEM, {**ITEM, **change})) == "malformed"


@pytest.mark.parametrize("body", [
    b"", b"{}", b"[]", b'{"notificationItems": []}', b'{"notificationItems": {}}', b'{"notificationItems": [1]}',
    b'{"notificationItems": [{"NotificationRequestItem": 1}]}', b"\xff", b"[" * 100_000])
def test_what_is_no_batch_is_malformed(body: bytes) -> None:
    assert _refusal(lambda: read_webhook("adyen", body, {}, secrets=SECRETS, at=AT)) == "malformed"


def test_too_long_a_message_and_an_unknown_gateway_are_refused_unread() -> None:
    assert _refusal(lambda: _stripe(bytes(LONGEST_BODY + 1))) == "too_long"
    assert _refusal(lambda: read_webhook("paypal", b"{}", {}, secrets=SECRETS, at=AT)) == "unknown_gateway"


@pytest.mark.parametrize("gateway", ["stripe", "adyen"])
@pytest.mark.parametrize("secrets", [{}, {"stripe_webhook_secret": "", "adyen_hmac_key": "no hex"}])
def test_without_a_secret_nothing_is_believed(gateway: str, secrets: dict[str, str]) -> None:
    with pytest.raises(Misused, match="secret"):
        read_webhook(gateway, b"{}", {"Stripe-Signature": "t=1,v1=0"}, secrets=secrets, at=AT)


def test_what_concerns_no_payment_is_of_kind_other() -> None:
    report = {**ITEM, "eventCode": "REPORT_AVAILABLE", "pspReference": "report.csv", "merchantReference": "",
              "originalReference": "", "amount": {"currency": "EUR", "value": 0}}
    assert (_adyen(report)[0].kind, _adyen(report)[0].payment_id) == ("other", None)
    assert _stripe({**EVENT, "type": "customer.created"})[0].kind == "other"


@pytest.mark.parametrize("gateway", ["stripe", "adyen"])
def test_what_happens_in_the_book_is_told_by_kind_payment_and_amount(gateway: str) -> None:
    form, exchange = within_process(gateway)
    simulator = exchange.simulator

    def told(payment_id: int) -> list[tuple[str, int | None, bool]]:
        events = [_told(event) for event in simulator.outbox.all(str(payment_id))]
        assert {event.payment_id for event in events} <= {payment_id, None}
        assert {event.gateway_ref for event in events} == {ref}
        assert len({event.event_id for event in events}) == len(events)
        assert {event.kind for event in events} <= set(KINDS)
        return [(event.kind, event.amount_minor, event.success) for event in events if event.kind != "other"]

    paid = form.new_id()
    ref = form.authorize(paid, 1500, "ISK").gateway_ref or ""
    form.capture(paid, ref, 1500, "ISK")
    assert told(paid) == [("authorize", 1500, True), ("capture", 1500, True)]
    for kind in ("chargeback", "chargeback_reversal"):
        simulator.happen(kind, str(paid), vendor=gateway)
    assert told(paid)[2:] == [("chargeback", 1500, True), ("chargeback_reversal", 1500, True)]

    refunded = form.new_id()
    ref = form.authorize(refunded, token="pm_sim_refund_fails").gateway_ref or ""
    form.capture(refunded, ref)
    form.refund(refunded, ref, 500)
    assert told(refunded)[2:] == [("refund", 500, True), ("refund_reversal", 500, True)]

    void = form.new_id()
    ref = form.authorize(void).gateway_ref or ""
    form.void(void, ref)
    assert told(void) == [("authorize", 1250, True), ("void", 1250, True)]

    declined = form.new_id()
    ref = form.authorize(declined, token="pm_card_chargeDeclined").gateway_ref or ""
    assert told(declined) == [("authorize", 1250, False)]

    lapsed = form.new_id()
    ref = form.authorize(lapsed).gateway_ref or ""
    form.advance(29 * 86_400)
    assert ("expire", 1250, True) in told(lapsed)

    if gateway == "adyen":
        failed = form.new_id()
        ref = form.authorize(failed, token="pm_sim_capture_fails").gateway_ref or ""
        form.capture(failed, ref)
        assert told(failed)[1:] == [("capture", 1250, True), ("capture_reversal", 1250, True)]


def _told(event: Event) -> GatewayEvent:
    if event.vendor == "stripe":
        return _stripe(event.body, at=TWIN_NOW, signed_at=TWIN_NOW)[0]
    return _adyen(event.body)[0]
