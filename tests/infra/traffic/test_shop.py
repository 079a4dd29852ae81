"""A merchant's requests against a server that answers what a test has written down."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.local.traffic.drive import Driver
from infra.local.traffic.plan import Order
from infra.local.traffic.shop import Exchange, Shop
from tests.infra.traffic.made import RUN, order


@dataclass
class Api:
    """Answers in the order of `script` (status, body, headers), the last one for ever; None breaks the connection."""

    script: list[tuple[int, dict[str, Any], dict[str, str]] | None]
    seen: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    url: str = ""

    def next(self) -> tuple[int, dict[str, Any], dict[str, str]] | None:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@pytest.fixture
def api() -> Iterator[Api]:
    served = Api([(201, {"id": "77"}, {})])
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                served.seen.append((self.command, self.path, self.headers.get("Idempotency-Key", ""), body))
                answer = served.next()
            if answer is None:
                self.close_connection = True
                return
            content = json.dumps(answer[1]).encode()
            self.send_response(answer[0])
            for name, value in {**answer[2], "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def shop(api: Api) -> Shop:
    return Shop(api.url, {"merchant_a": "key"}, connections=4, sleep=lambda _: None)


def test_an_answer_is_recorded_as_it_was(api: Api, shop: Shop) -> None:
    api.script = [(201, {"id": "77"}, {"Idempotent-Replayed": "true"})]
    found = shop.ask("pay", "merchant_a", 0, "/v1/payments", "a-key", {"amount_minor": 1})
    assert (found.status, found.payment_id, found.replayed, found.final) == (201, "77", True, True)
    assert api.seen == [("POST", "/v1/payments", "a-key", b'{"amount_minor": 1}')]
    assert shop.record.exchanges == [found]


def test_a_merchant_asks_again_until_the_answer_is_there(api: Api, shop: Shop) -> None:
    api.script = [(409, {"payment_id": "77"}, {"Retry-After": "2"}), None, (503, {}, {}), (201, {"id": "77"}, {})]
    found = shop.insist("pay", "merchant_a", 0, "/v1/payments", "a-key", {}, patience_s=5)
    assert found.status == 201
    assert [one.status for one in shop.record.exchanges] == [409, 0, 503, 201]
    assert [one.what for one in shop.record.exchanges] == ["pay"] + ["pay again"] * 3
    assert {one.payment_id for one in shop.record.exchanges} == {"77", None}
    assert len({seen[2:] for seen in api.seen}) == 1


@pytest.mark.parametrize("status", [201, 202, 402, 422, 400, 404])
def test_what_will_not_change_is_not_asked_again(api: Api, shop: Shop, status: int) -> None:
    api.script = [(status, {}, {})]
    assert shop.insist("pay", "merchant_a", 0, "/v1/payments", "a-key", {}, patience_s=5).status == status
    assert len(api.seen) == 1


def test_a_conflict_without_a_time_to_retry_is_an_answer(api: Api, shop: Shop) -> None:
    api.script = [(409, {"id": "77"}, {})]
    assert shop.insist("cancel", "merchant_a", 0, "/x", "a-key", {}, patience_s=5).final
    assert len(api.seen) == 1


def test_patience_ends(api: Api, shop: Shop) -> None:
    api.script = [(503, {}, {})]
    assert shop.insist("pay", "merchant_a", 0, "/x", "a-key", {}, patience_s=0).status == 503


def test_nobody_there_is_no_answer() -> None:
    shop = Shop("http://127.0.0.1:9", {"merchant_a": "key"}, connections=1)
    assert not shop.reachable()
    assert shop.ask("read", "merchant_a", 0, "/x").status == 0


def test_an_order_is_driven_through_all_that_its_kind_does(api: Api, shop: Shop) -> None:
    told: list[Order] = []
    used = Driver(shop, RUN, told=told.append).drive([order(kind="cancelled")], concurrency=1)
    assert [(one.what, one.path) for one in used] == [("pay", "/v1/payments"), ("cancel", "/v1/payments/77/cancels")]
    assert [one.what for one in shop.record.exchanges] == ["pay", "cancel", "read", "again", "again"]
    assert len(told) == 1


def test_twins_have_one_key_and_another_payload_has_it_too(api: Api, shop: Shop) -> None:
    Driver(shop, RUN, reads=False).drive([order(kind="click_storm"), order(1, "same_key_other_payload")], concurrency=2)
    by_what: dict[str, list[Exchange]] = {}
    for one in shop.record.exchanges:
        by_what.setdefault(one.what, []).append(one)
    assert {what: len(found) for what, found in by_what.items()} == {"pay": 2, "twin": 4, "again": 1, "other": 1}
    assert {one.key for one in by_what["twin"]} == {order().key(RUN)}
    assert by_what["other"][0].key == order(1).key(RUN)
    amounts = [json.loads(body)["amount_minor"] for *_, key, body in api.seen if key == order(1).key(RUN)]
    assert sorted(amounts) == [1234, 2234]


def test_a_payment_that_was_not_authorised_is_not_captured(api: Api, shop: Shop) -> None:
    api.script = [(402, {"id": "77"}, {})]
    used = Driver(shop, RUN, reads=False).drive([order(kind="captured_in_part")], concurrency=1)
    assert [one.what for one in used] == ["pay"]
