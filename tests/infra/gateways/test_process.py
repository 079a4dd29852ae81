"""The process: both official SDKs talk to it, its connections fail on request, and a kill loses nothing answered."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
import pytest
import stripe

from infra.local.errors import LocalRefused
from infra.local.gateways import GatewaySimulator
from tests.infra.gateways.driving import intent, payment


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewaySimulator]:
    """One simulator for the module; tests use payment ids of their own."""
    started = GatewaySimulator.start(tmp_path_factory.mktemp("gateways"))
    yield started
    started.stop()


def post(running: GatewaySimulator, number: int, path: str = "payment_intents", *, key: str = "",
         timeout: float = 20.0, given: dict[str, Any] | None = None) -> tuple[int, bytes]:
    """A call of Stripe's API over a connection of its own."""
    connection = http.client.HTTPConnection(running.endpoint.partition("//")[2], timeout=timeout)
    try:
        connection.request("POST", f"/v1/{path}", urlencode(intent(number) if given is None else given), {
            "Authorization": f"Bearer {running.keys()['stripe_key']}", "Idempotency-Key": key or str(number),
            "Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_official_stripe_sdk_talks_to_it(running: GatewaySimulator) -> None:
    client = stripe.StripeClient(running.keys()["stripe_key"], base_addresses={"api": running.stripe_base},
                                 max_network_retries=0)
    made = client.v1.payment_intents.create(
        {"amount": 1_000, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True,
         "capture_method": "manual", "metadata": {"payment_id": "1001"}}, {"idempotency_key": "1001"})
    taken = client.v1.payment_intents.capture(made.id, {"amount_to_capture": 900}, {"idempotency_key": "1001:capture"})
    back = client.v1.refunds.create({"payment_intent": made.id, "amount": 300})
    assert (made.status, taken.amount_received, back.status) == ("requires_capture", 900, "succeeded")
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.create({"amount": 1_000, "currency": "eur", "confirm": True,
                                          "payment_method": "pm_card_chargeDeclined"})
    assert declined.value.code == "card_declined"
    assert [done["kind"] for done in running.client.book(1001)] == ["authorize", "capture", "refund"]


def test_an_answer_of_adyen_comes_over_a_kept_connection(running: GatewaySimulator) -> None:
    connection = http.client.HTTPConnection(running.adyen_base.partition("//")[2], timeout=20)
    for number in (1002, 1003):
        body = json.dumps({"merchantAccount": running.accounts()["adyen"], **payment(number)})
        connection.request("POST", "/v72/payments", body, {"X-API-Key": running.keys()["adyen_key"]})
        answer = connection.getresponse()
        assert json.loads(answer.read())["resultCode"] == "Authorised"
        assert answer.status == 200
    connection.close()


def test_sixteen_callers_at_once_are_answered_and_one_key_is_executed_once(running: GatewaySimulator) -> None:
    with ThreadPoolExecutor(16) as callers:
        endings = list(callers.map(lambda _: post(running, 1010), range(64)))
    assert {status for status, _ in endings} <= {200, 409}
    assert len({body for status, body in endings if status == 200}) == 1
    assert len(running.client.book(1010)) == 1


@pytest.mark.parametrize("kind, error", [
    ("cut_after", http.client.RemoteDisconnected), ("timeout_after", TimeoutError)])
def test_a_connection_fails_on_request_and_the_effect_stays(
        running: GatewaySimulator, kind: str, error: type[Exception]) -> None:
    number = 1020 + len(kind)
    running.client.fault(kind, payment_id=str(number), seconds=30.0)
    with pytest.raises(error):
        post(running, number, timeout=1.0)
    assert len(running.client.book(number)) == 1
    assert post(running, number)[0] == 200
    assert len(running.client.book(number)) == 1


def test_a_trickle_comes_byte_by_byte(running: GatewaySimulator) -> None:
    running.client.fault("trickle", payment_id="1050", seconds=30.0)
    host, _, port = running.endpoint.partition("//")[2].partition(":")
    body = urlencode(intent(1050)).encode()
    head = (f"POST /v1/payment_intents HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
            f"Authorization: Bearer {running.keys()['stripe_key']}\r\nIdempotency-Key: 1050\r\n\r\n")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        received = b""
        while received.count(b"\r\n\r\n") == 0 or received.endswith(b"\r\n\r\n"):
            received += connection.recv(65_536)
    started = received.partition(b"\r\n\r\n")[2]
    assert 0 < len(started) < len(post(running, 1050)[1])


def test_garbage_is_no_json(running: GatewaySimulator) -> None:
    running.client.fault("garbage", payment_id="1040")
    status, body = post(running, 1040)
    assert status == 200
    with pytest.raises(ValueError, match=r"Expecting|Invalid|delimiter|Unterminated"):
        json.loads(body)


def test_it_listens_on_loopback_alone(running: GatewaySimulator) -> None:
    assert {host for host, _ in running.server.listening()} == {"127.0.0.1"}


def test_what_is_not_understood_is_refused_with_a_message(running: GatewaySimulator) -> None:
    with pytest.raises(LocalRefused, match="kinds are"):
        running.client.fault("unheard_of")
    with pytest.raises(LocalRefused, match="no such payment"):
        running.client.happen("chargeback", 987654321, vendor="stripe")
    with pytest.raises(LocalRefused, match="only talks to"):
        running.client.webhooks(stripe_url="http://example.com/")


def test_a_kill_loses_nothing_that_was_answered_and_frees_what_was_under_way(tmp_path: Path) -> None:
    first = GatewaySimulator.start(tmp_path / "g")
    answered = {number: post(first, number) for number in range(1, 6)}
    first.client.fault("delay", payment_id="6", seconds=30.0)
    first.client.advance(3600)
    with pytest.raises(TimeoutError):
        post(first, 6, timeout=0.5)
    assert post(first, 6)[0] == 409
    book = first.client.book()
    psutil.Process(first.server.pid).send_signal(signal.SIGKILL)
    first.stop(keep=True)
    second = GatewaySimulator.start(tmp_path / "g")
    try:
        assert second.client.book() == book
        assert {number: post(second, number) for number in range(1, 6)} == answered
        assert second.client.book() == book
        assert post(second, 6)[0] == 200
        assert len(second.client.book(6)) == 1
    finally:
        second.stop()
    assert not (tmp_path / "g").exists()


def test_settlement_files_are_written_by_command(tmp_path: Path) -> None:
    started = GatewaySimulator.start(tmp_path / "g")
    try:
        ref = json.loads(post(started, 1)[1])["id"]
        post(started, 1, f"payment_intents/{ref}/capture", key="1:capture", given={})
        started.client.advance(14 * 86_400)
        command = [sys.executable, "-m", "infra.local.gateways", "settle", "--folder", str(started.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        names = done.stdout.splitlines()
        assert [name.partition("acct_")[2].partition("_")[2].partition("_20")[0] for name in sorted(names)] == [
            "payout_reconciliation", "payouts"]
        assert {path.name for path in (started.folder / "settlement").iterdir()} == {*names, "arrivals.json"}
    finally:
        started.stop(keep=True)
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "no simulator serves from" in refused.stderr
