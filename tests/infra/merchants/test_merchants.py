"""The merchants' server takes what is signed, once and in order of versions, and answers as it is told to."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from infra.local.errors import LocalRefused
from infra.local.merchants import Merchants
from pipeline.notify.signing import headers, new_secret

SECRET = new_secret()


@pytest.fixture(scope="module")
def merchants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Merchants]:
    """One server; each test has a merchant of its own."""
    running = Merchants.start(tmp_path_factory.mktemp("merchants"))
    running.ready()
    yield running
    running.stop()
    assert not running.folder.exists()


@pytest.fixture
def shop(merchants: Merchants) -> Iterator[str]:
    """A merchant that knows the secret."""
    name = f"shop_{uuid4().hex[:8]}"
    merchants.client.know(name, SECRET)
    yield name
    merchants.client.clear()


def told(merchants: Merchants, shop: str, event_id: str = "e1", *, version: int = 8, secret: str = SECRET) -> int:
    """The status that an event is answered with; 0 where none comes."""
    body = json.dumps({"data": {"payment_id": "7", "version": version, "status": "COMMITTED"}})
    request = urllib.request.Request(merchants.url(shop), body.encode(), headers(
        event_id, body, [secret], at=datetime.now(UTC)), method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
    try:
        with opener.open(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, http.client.HTTPException):
        return 0


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Nothing is followed."""


def verdicts(merchants: Merchants, shop: str) -> list[str]:
    """What it made of each request."""
    return [one["verdict"] for one in merchants.client.received(merchant_id=shop)]


@pytest.mark.property(68)
def test_duplicates_and_stale_versions_are_told_apart(merchants: Merchants, shop: str) -> None:
    for event_id, version in (("e2", 9), ("e2", 9), ("e1", 8), ("e3", 10)):
        assert told(merchants, shop, event_id, version=version) == 200
    assert verdicts(merchants, shop) == ["accepted", "duplicate", "stale", "accepted"]
    found = merchants.client.received(merchant_id=shop, payment_id=7)[0]
    assert (found["event_id"], found["version"], found["headers"]["webhook-id"]) == ("e2", 9, "e2")


@pytest.mark.property(70)
def test_what_is_not_signed_with_its_secret_is_refused(merchants: Merchants, shop: str) -> None:
    assert told(merchants, shop, secret=new_secret()) == 401
    merchants.client.know(shop, new_secret(), SECRET)
    assert told(merchants, shop) == 200
    assert verdicts(merchants, shop) == ["unverified", "accepted"]


@pytest.mark.parametrize("kind", ["302", "400", "410", "429", "500", "503"])
def test_it_answers_as_it_is_told_and_takes_the_retry(merchants: Merchants, shop: str, kind: str) -> None:
    merchants.client.answer(kind, merchant_id=shop, retry_after="3")
    assert told(merchants, shop) == int(kind)
    assert told(merchants, shop) == 200
    assert verdicts(merchants, shop) == ["not_taken", "accepted"]


def test_it_cuts_and_dawdles(merchants: Merchants, shop: str) -> None:
    merchants.client.answer("cut", merchant_id=shop, count=2)
    assert [told(merchants, shop), told(merchants, shop)] == [0, 0]
    merchants.client.answer("slow", merchant_id=shop, seconds=0.05)
    assert told(merchants, shop) == 200
    assert verdicts(merchants, shop) == ["not_taken", "not_taken", "accepted"]


def test_what_it_does_not_know_it_says(merchants: Merchants) -> None:
    with pytest.raises(LocalRefused, match="there are 200"):
        merchants.client.answer("teapot")
