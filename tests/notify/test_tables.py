"""The tables of notifications and endpoints on the emulator's DynamoDB, and the operations function over them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest

from infra.local.guard import applied
from infra.local.stack import Stack
from pipeline.errors import Misused
from pipeline.handlers import webhook_endpoints
from pipeline.handlers.parts import forget
from pipeline.notify.endpoints import MOST, Endpoints
from pipeline.notify.told import Held, Told
from tests.notify.parts import AT

LEASE = timedelta(seconds=60)
URL = "https://shop.example/webhooks"


@pytest.fixture(scope="module")
def tables(stack: Stack) -> Iterator[tuple[Any, str, str]]:
    """A DynamoDB client for the emulator, and the names of both tables there."""
    told, endpoints = f"told-{uuid4().hex[:8]}", f"endpoints-{uuid4().hex[:8]}"
    with applied(stack.environment()):
        client = boto3.session.Session().client("dynamodb")
        for name, keys in ((told, ["key"]), (endpoints, ["merchant_id", "endpoint_id"])):
            client.create_table(
                TableName=name, BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": key, "KeyType": "RANGE" if place else "HASH"}
                           for place, key in enumerate(keys)],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys])
        yield client, told, endpoints
        client.close()


@pytest.fixture
def endpoints(tables: tuple[Any, str, str]) -> Endpoints:
    """Endpoints; a test's merchants are its own."""
    return Endpoints(tables[0], tables[2])


@pytest.fixture
def shop() -> str:
    """A merchant that no other test knows."""
    return f"shop_{uuid4().hex[:8]}"


@pytest.mark.property(68)
def test_what_was_done_is_known_to_whoever_comes_next(tables: tuple[Any, str, str]) -> None:
    key = uuid4().hex
    one, other = (Told(tables[0], tables[1], owner=name, lease=LEASE) for name in ("one", "other"))
    assert one.claim(key, at=AT) == frozenset()
    assert one.claim(key, at=AT) == frozenset()
    with pytest.raises(Held):
        other.claim(key, at=AT + LEASE - timedelta(milliseconds=1))
    one.record(key, ["topic"])
    other.release(key)
    with pytest.raises(Held) as held:
        other.claim(key, at=AT)
    assert held.value.done == {"topic"}
    one.record(key, ["bus", "topic"])
    one.release(key)
    assert other.claim(key, at=AT) == {"topic", "bus"}
    # Whoever held it died: after the lease it is free.
    assert one.claim(key, at=AT + LEASE) == {"topic", "bus"}


@pytest.mark.property(68)
def test_of_many_at_once_one_has_the_message(tables: tuple[Any, str, str]) -> None:
    key = uuid4().hex

    def claims(number: int) -> bool:
        try:
            Told(tables[0], tables[1], owner=str(number), lease=LEASE).claim(key, at=AT)
        except Held:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(claims, range(32))) == 1


def test_an_endpoint_lives_until_it_is_deleted(endpoints: Endpoints, shop: str) -> None:
    made = endpoints.create(shop, URL, at=AT)
    assert endpoints.get(shop, made.endpoint_id) == made
    assert endpoints.active(shop) == [made.endpoint_id]
    endpoints.disable(shop, made.endpoint_id, because="it answered 410 Gone", at=AT)
    endpoints.disable(shop, made.endpoint_id, because="again", at=AT + LEASE)
    found = endpoints.get(shop, made.endpoint_id)
    assert found is not None
    assert (found.disabled_at, found.disabled_because) == (AT, "it answered 410 Gone")
    assert endpoints.active(shop) == []
    endpoints.enable(shop, made.endpoint_id)
    assert endpoints.active(shop) == [made.endpoint_id]
    endpoints.delete(shop, made.endpoint_id)
    assert endpoints.of(shop) == []
    assert endpoints.get("another", made.endpoint_id) is None


@pytest.mark.property(70)
def test_a_rotation_keeps_the_old_secret_for_its_overlap(endpoints: Endpoints, shop: str) -> None:
    made = endpoints.create(shop, URL, at=AT)
    after = endpoints.rotate(shop, made.endpoint_id, overlap=timedelta(hours=1), at=AT)
    assert after.secrets(AT) == (after.secret, made.secret)
    assert after.secrets(AT + timedelta(hours=1)) == (after.secret,)
    again = endpoints.rotate(shop, made.endpoint_id, overlap=timedelta(0), at=AT)
    assert again.secrets(AT) == (again.secret,)
    assert len({made.secret, after.secret, again.secret}) == 3


def test_what_is_not_there_is_named(endpoints: Endpoints, shop: str) -> None:
    made = endpoints.create(shop, URL, at=AT)
    for call in (lambda: endpoints.delete(shop, "we_no"), lambda: endpoints.enable(shop, "we_no"),
                 lambda: endpoints.disable("other", made.endpoint_id, because="x", at=AT),
                 lambda: endpoints.rotate("other", made.endpoint_id, overlap=LEASE, at=AT)):
        with pytest.raises(Misused, match="has no endpoint we_"):
            call()
    with pytest.raises(Misused, match="already"):
        endpoints.create(shop, URL, at=AT)
    for number in range(1, MOST):
        endpoints.create(shop, f"{URL}/{number}", at=AT)
    with pytest.raises(Misused, match=f"{MOST} endpoints"):
        endpoints.create(shop, f"{URL}/more", at=AT)


@pytest.fixture
def function(stack: Stack, tables: tuple[Any, str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The operations function in this process."""
    with applied(stack.environment()):
        monkeypatch.setenv("ENDPOINTS_TABLE", tables[2])
        forget()
        yield lambda **event: webhook_endpoints.handler(event, None)
        forget()


def test_the_function_tells_a_secret_once(function: Any, shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = function(action="create", merchant_id=shop, url=URL)
    assert made["outcome"] == "ok"
    assert made["secret"].startswith("whsec_")
    named = {"merchant_id": shop, "endpoint_id": made["endpoint_id"]}
    rotated = function(action="rotate", **named, overlap_s=60)
    assert rotated["secret"] not in (None, made["secret"])
    assert "old_secret_until" in rotated
    assert function(action="disable", **named)["active"] is False
    listed = function(action="list", merchant_id=shop)
    (shown,) = listed["endpoints"]
    assert (shown["url"], shown["active"], shown["disabled_because"]) == (URL, False, "asked for")
    assert function(action="enable", **named)["active"] is True
    assert function(action="delete", **named)["outcome"] == "ok"
    assert function(action="list", merchant_id=shop)["endpoints"] == []
    written = capsys.readouterr().out + repr(listed)
    assert "whsec_" not in written
    assert URL not in capsys.readouterr().out


@pytest.mark.parametrize("event, said", [
    ({}, "an event with an action is accepted: create"), ({"action": "drop"}, "an event with an action is accepted"),
    ({"action": ["create"]}, "an event with an action"), ({"action": "create"}, "action, merchant_id, url"),
    ({"action": "create", "merchant_id": "shop", "url": URL, "more": 1}, "action, merchant_id, url"),
    ({"action": "create", "merchant_id": "No Id", "url": URL}, "a merchant id has"),
    ({"action": "create", "merchant_id": "shop", "url": 7}, "url is no text"),
    ({"action": "create", "merchant_id": "shop", "url": "http://shop.example"}, "https://"),
    ({"action": "create", "merchant_id": "shop", "url": "https://169.254.169.254"}, "not public"),
    ({"action": "rotate", "merchant_id": "shop", "endpoint_id": "we_1", "overlap_s": "1"}, "no whole number"),
    ({"action": "rotate", "merchant_id": "shop", "endpoint_id": "we_1", "overlap_s": 10**7}, "an overlap is from 0"),
    ({"action": "rotate", "merchant_id": "shop", "endpoint_id": "we_1"}, "has no endpoint we_1"),
    ({"action": "delete", "merchant_id": "shop", "endpoint_id": ""}, "endpoint_id is no text"),
])
def test_the_function_refuses_what_it_cannot_do(function: Any, event: dict[str, Any], said: str) -> None:
    answer = function(**event)
    assert answer["outcome"] == "misused"
    assert said in answer["reason"]
