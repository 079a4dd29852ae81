"""The edge as the template deploys it: through HTTP, API Gateway, authorizer, real tables, saga and gateways."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from infra.local.pipeline import Pipeline
from infra.local.stack import Stack
from tests.handlers.edge import BODY

Seen = tuple[int, Mapping[str, str], bytes]


class Client:
    """A merchant with an API key."""

    def __init__(self, running: Pipeline, api_key: str | None) -> None:
        self._api = urlsplit(running.deployment.api)
        self._headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}

    def post(self, body: object = BODY, *, key: str, path: str = "/v1/payments", **headers: str) -> Seen:
        """One POST, asked once."""
        named = {"Content-Type": "application/json", "Idempotency-Key": key, **self._headers, **headers}
        return self._seen("POST", path, named, json.dumps(body))

    def get(self, payment_id: object) -> Seen:
        """One GET."""
        return self._seen("GET", f"/v1/payments/{payment_id}", self._headers)

    def _seen(self, method: str, path: str, headers: Mapping[str, str], body: str | None = None) -> Seen:
        connection = http.client.HTTPConnection(self._api.hostname or "", self._api.port, timeout=40)
        try:
            connection.request(method, self._api.path + path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()


@pytest.fixture
def running(pipeline_stack: Stack) -> Pipeline:
    """The pipeline of the stack."""
    assert pipeline_stack.pipeline is not None
    return pipeline_stack.pipeline


@pytest.fixture
def shop(running: Pipeline) -> Client:
    """merchant_a."""
    return Client(running, running.deployment.keys["merchant_a"])


@pytest.fixture
def key() -> str:
    """A key that no other test uses."""
    return f"key-{uuid4().hex}"


def rows(running: Pipeline) -> int:
    """How many payments there are."""
    with psycopg.connect(running.database.owner_dsn) as connection:
        found = connection.execute("SELECT count(*) FROM payments").fetchone()
    assert found is not None
    return int(found[0])


@pytest.mark.property(3)
@pytest.mark.property(4)
@pytest.mark.property(19)
def test_a_payment_is_taken_replayed_and_read(shop: Client, key: str) -> None:
    status, headers, body = shop.post(key=key)
    taken = json.loads(body)
    assert (status, taken["status"], taken["amount_minor"]) == (201, "captured", 1999), body
    assert isinstance(taken["id"], str)
    assert headers["Location"].endswith(f"/v1/payments/{taken['id']}")
    again = shop.post(dict(reversed(BODY.items())), key=key)
    assert (again[0], again[2], again[1]["Idempotent-Replayed"]) == (status, body, "true")
    assert shop.post(BODY | {"amount_minor": 5}, key=key)[0] == 422
    status, _, body = shop.get(taken["id"])
    assert (status, json.loads(body)) == (200, taken)


@pytest.mark.property(2)
def test_clicks_at_once_are_one_payment(shop: Client, running: Pipeline, key: str) -> None:
    before = rows(running)
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: shop.post(key=key), range(8)))
    assert {status for status, _, _ in seen} <= {201, 409}
    assert len({body for status, _, body in seen if status == 201}) == 1
    assert all(headers["Retry-After"] for status, headers, _ in seen if status == 409)
    assert rows(running) == before + 1


@pytest.mark.property(1)
@pytest.mark.property(7)
@pytest.mark.property(17)
def test_nobody_gets_what_is_not_theirs(shop: Client, running: Pipeline, key: str) -> None:
    others = Client(running, running.deployment.keys["merchant_b"])
    _, _, body = shop.post(BODY | {"capture": "manual"}, key=key)
    taken = json.loads(body)
    assert taken["status"] == "authorized"
    before = rows(running)
    assert others.get(taken["id"])[0] == 404
    assert others.post({}, key=key, path=f"/v1/payments/{taken['id']}/captures")[0] == 404
    for stranger in (Client(running, None), Client(running, "sw_live_" + "x" * 40)):
        status, headers, _ = stranger.post(key=key + "-x", **{"X-Merchant-Id": "merchant_a"})
        assert (status, headers["Content-Type"]) == (401, "application/problem+json")
        assert stranger.get(taken["id"])[0] == 401
    assert shop.post(BODY | {"amount_minor": -1}, key=key + "-x")[0] == 422
    assert shop.post(key="short")[0] == 400
    assert rows(running) == before
    status, _, body = shop.post({}, key=key, path=f"/v1/payments/{taken['id']}/captures")
    assert (status, json.loads(body)["status"]) == (201, "captured"), body


@pytest.mark.property(8)
def test_a_decline_is_told_and_kept(shop: Client, key: str) -> None:
    body = BODY | {"payment_method": "pm_card_chargeDeclined", "currency": "USD"}
    first, again = shop.post(body, key=key), shop.post(body, key=key)
    assert (first[0], again[0]) == (402, 402), first
    assert first[2] == again[2]
