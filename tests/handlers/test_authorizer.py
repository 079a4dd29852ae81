"""The key alone says whose request it is, and 401 is all that anybody else learns."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import Retryable
from pipeline.handlers import authorizer
from pipeline.handlers.authorizer import Unauthorized, authorized
from pipeline.merchants.keys import new_key

ARN = "arn:aws:execute-api:eu-west-1:123456789012:abc/live/POST/v1/payments"
KEY = new_key()


def merchant_of(key: str) -> str | None:
    """One merchant's one key."""
    return "shop_1" if key == KEY else None


@pytest.mark.parametrize("event", [
    {"type": "TOKEN", "authorizationToken": f"Bearer {KEY}"},
    {"type": "REQUEST", "headers": {"Authorization": f"bearer  {KEY}"}},
    {"type": "REQUEST", "headers": {"X-Api-Key": KEY, "X-Merchant-Id": "shop_2", "merchant_id": "shop_2"}},
    {"type": "REQUEST", "headers": {"X-Api-Key": KEY, "authorization": f"Bearer {KEY}"}},
])
def test_a_known_key_opens_every_route_for_its_merchant(event: dict[str, Any]) -> None:
    policy = authorized({**event, "methodArn": ARN}, merchant_of)
    assert (policy["principalId"], policy["context"]) == ("shop_1", {"merchant_id": "shop_1"})
    (statement,) = policy["policyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Resource"] == "arn:aws:execute-api:eu-west-1:123456789012:abc/live/*"


@pytest.mark.property(17)
@pytest.mark.parametrize("event", [
    {}, {"authorizationToken": ""}, {"authorizationToken": KEY}, {"authorizationToken": f"Basic {KEY}"},
    {"authorizationToken": f"Bearer {new_key()}"}, {"authorizationToken": f"Bearer {KEY} {KEY}"}, {"headers": None},
    {"headers": {"X-Api-Key": new_key()}}, {"headers": {"X-Merchant-Id": "shop_1"}},
    {"headers": {"X-Api-Key": KEY, "Authorization": f"Bearer {new_key()}"}},
])
def test_everything_else_is_unauthorized(event: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        authorized({**event, "methodArn": ARN}, merchant_of)


def test_a_table_out_of_reach_is_no_refusal() -> None:
    def down(key: str) -> str | None:
        raise Retryable("DynamoDB is busy")

    with pytest.raises(Retryable):
        authorized({"authorizationToken": f"Bearer {KEY}", "methodArn": ARN}, down)


@pytest.mark.property(80)
@pytest.mark.parametrize("known", [True, False])
def test_no_key_is_logged(known: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Keys:
        def __init__(self, *_: object) -> None: ...

        def merchant_of(self, key: str) -> str | None:
            return "shop_1" if known else None

    monkeypatch.setattr(authorizer, "ApiKeys", Keys)
    monkeypatch.setattr(authorizer, "client", lambda service: None)
    monkeypatch.setenv("API_KEYS_TABLE", "keys")
    event = {"authorizationToken": f"Bearer {KEY}", "methodArn": ARN}
    if known:
        authorizer.handler(event, None)
    else:
        with pytest.raises(Unauthorized):
            authorizer.handler(event, None)
    said = capsys.readouterr()
    assert '"event":"authorize"' in said.out
    assert KEY not in said.out + said.err
