"""Webhooks: signed as the vendors sign them, sent until they are taken, and as badly as one asks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import Adyen.util
import pytest
import stripe

from infra.local.gateways.sender import FORGERIES, Sender
from tests.infra.gateways.driving import SECRETS, Driver


class Receiver(ThreadingHTTPServer):
    """Takes webhooks in; `statuses` are given first, then 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[tuple[str, Mapping[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def waits_for(self, count: int) -> list[tuple[str, Mapping[str, str], bytes]]:
        """The first `count` requests, once they have come."""
        deadline = time.monotonic() + 20
        while len(self.taken) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.taken) >= count
        return self.taken[:count]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """One webhook."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Listens on loopback."""
    with Receiver() as listening:
        serving = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        serving.start()
        yield listening
        listening.shutdown()


@pytest.fixture
def driver() -> Driver:
    """A simulator in this process."""
    return Driver()


@pytest.fixture
def sender(driver: Driver) -> Iterator[Sender]:
    """Its sender, which sends nothing before it is told where to."""
    sending = Sender(driver.simulator)
    sending.start()
    yield sending
    sending.stop()


def to(sender: Sender, receiver: Receiver, **more: Any) -> None:
    """Sends both vendors' webhooks to the receiver."""
    sender.configure({"stripe_url": f"{receiver.url}/stripe", "adyen_url": f"{receiver.url}/adyen", **more})


def items(body: bytes) -> list[dict[str, Any]]:
    """The notification items of a batch of Adyen's."""
    return [item["NotificationRequestItem"] for item in json.loads(body)["notificationItems"]]


def genuine(item: dict[str, Any]) -> bool:
    """Whether Adyen's own library finds the item genuine."""
    return bool(Adyen.util.is_valid_hmac_notification({"notificationItems": [{"NotificationRequestItem": item}]},
                                                      SECRETS.adyen_hmac_key))


def test_the_vendors_own_libraries_find_them_genuine(driver: Driver, sender: Sender, receiver: Receiver) -> None:
    driver.pay("stripe", 1, capture=None)
    driver.pay("adyen", 2)
    to(sender, receiver, headers={"X-Route": "a"})
    first, _, *adyen = receiver.waits_for(4)
    event = stripe.Webhook.construct_event(first[2], first[1]["Stripe-Signature"], SECRETS.stripe_webhook_secret)
    assert (first[0], first[1]["X-Route"], event["type"]) == ("/stripe", "a", "payment_intent.created")
    for path, _, body in adyen:
        assert path == "/adyen"
        assert [genuine(item) for item in items(body)] == [True]
    assert [items(body)[0]["eventCode"] for _, _, body in adyen] == ["AUTHORISATION", "CAPTURE"]


def test_what_is_not_taken_is_sent_again_until_it_is(driver: Driver, sender: Sender, receiver: Receiver) -> None:
    receiver.statuses = [500, 404]
    driver.pay("adyen", 2, capture=None)
    to(sender, receiver)
    bodies = [body for _, _, body in receiver.waits_for(3)]
    assert len(set(bodies)) == 1
    time.sleep(0.3)
    assert len(receiver.taken) == 3
    assert [sent["status"] for sent in sender.state()["sent"]] == [500, 404, 200]
    assert sender.state()["waiting"] == 0


def test_events_wait_while_there_is_no_address_or_it_is_paused(
        driver: Driver, sender: Sender, receiver: Receiver) -> None:
    driver.pay("adyen", 2)
    assert sender.state()["waiting"] == 2
    to(sender, receiver, paused=True)
    time.sleep(0.3)
    assert receiver.taken == []
    sender.configure({"paused": False})
    receiver.waits_for(2)


def test_one_vendors_backlog_does_not_stop_the_other(driver: Driver, sender: Sender, receiver: Receiver) -> None:
    for number in range(60):
        driver.pay("stripe", number, capture=None)
    driver.pay("adyen", 100, capture=None)
    sender.configure({"adyen_url": f"{receiver.url}/adyen"})
    receiver.waits_for(1)
    assert sender.state()["waiting"] >= 120


def test_webhooks_may_be_late(driver: Driver, sender: Sender, receiver: Receiver) -> None:
    driver.pay("adyen", 2, capture=None)
    to(sender, receiver, delay_s=60.0)
    time.sleep(0.3)
    assert receiver.taken == []
    driver.simulator.advance(60)
    receiver.waits_for(1)


def test_webhooks_may_come_several_times(driver: Driver, sender: Sender, receiver: Receiver) -> None:
    driver.pay("adyen", 2, capture=None)
    to(sender, receiver, duplicate=1.0)
    bodies = [body for _, _, body in receiver.waits_for(4)]
    assert len(set(bodies)) == 1


def test_webhooks_may_come_in_another_order(driver: Driver, sender: Sender, receiver: Receiver) -> None:
    for number in range(6):
        driver.pay("adyen", number, capture=None)
    to(sender, receiver, reorder=True, seed=3)
    order = [items(body)[0]["merchantReference"] for _, _, body in receiver.waits_for(6)]
    assert sorted(order) == [str(number) for number in range(6)] != order


def test_items_of_adyen_may_come_together(driver: Driver, sender: Sender, receiver: Receiver) -> None:
    for number in range(5):
        driver.pay("adyen", number, capture=None)
    to(sender, receiver, batch=3)
    batches = [items(body) for _, _, body in receiver.waits_for(2)]
    assert [len(batch) for batch in batches] == [3, 2]
    assert all(genuine(item) for batch in batches for item in batch)


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_one_is_not_genuine(driver: Driver, sender: Sender, receiver: Receiver, forgery: str) -> None:
    driver.pay("stripe", 1, capture=None)
    driver.pay("adyen", 2, capture=None)
    to(sender, receiver)
    receiver.waits_for(3)
    events = {event.vendor: event.number for event in driver.simulator.outbox.all()}
    assert sender.forge({"forgery": forgery, "number": events["stripe"]}) == {"status": 200}
    _, headers, body = receiver.taken[3]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, headers.get("Stripe-Signature", ""), SECRETS.stripe_webhook_secret)
    sender.forge({"forgery": forgery, "number": events["adyen"]})
    (item,) = items(receiver.taken[4][2])
    assert forgery == "unsigned" or not genuine(item)
    assert ("hmacSignature" in item["additionalData"]) is (forgery != "unsigned")


def test_the_policy_outlives_a_restart(driver: Driver, sender: Sender) -> None:
    sender.configure({"adyen_url": "http://127.0.0.1:9/", "paused": True})
    assert Sender(driver.simulator).state()["policy"]["adyen_url"] == "http://127.0.0.1:9/"
    with pytest.raises(ValueError, match="webhooks have"):
        sender.configure({"colour": "red"})
