"""Authorizer: whose request it is, by the API key alone. What a request says of its merchant elsewhere is not read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pipeline.handlers.http.exchange import Event
from pipeline.handlers.parts import client
from pipeline.merchants.keys import ApiKeys
from pipeline.settings import Settings
from pipeline.telemetry import log

_BEARER = re.compile(r"Bearer +(\S+)", re.IGNORECASE)


class Unauthorized(Exception):
    """API Gateway answers 401 to this very text, and 500 to any other."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def authorized(event: Event, merchant_of: Callable[[str], str | None]) -> dict[str, Any]:
    """The policy that lets the key's merchant use every route. Raises Unauthorized, and Retryable."""
    key = _key(event)
    merchant_id = merchant_of(key) if key else None
    if merchant_id is None:
        raise Unauthorized
    # The answer is kept for the key and used for other routes too: it must not name only this one.
    stage = "/".join(str(event["methodArn"]).split("/")[:2])
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{stage}/*"}
    return {"principalId": merchant_id, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": {"merchant_id": merchant_id}}


def _key(event: Event) -> str | None:
    """From a token authorizer's event or a request authorizer's; None where there is none, or two that differ."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    bearer = _BEARER.fullmatch(str(event.get("authorizationToken") or headers.get("authorization") or ""))
    found = {key for key in (bearer and bearer[1], headers.get("x-api-key")) if key}
    return found.pop() if len(found) == 1 else None


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """API Gateway's entry."""
    keys = ApiKeys(client("dynamodb"), Settings.of().text("API_KEYS_TABLE"))
    try:
        policy = authorized(event, keys.merchant_of)
    except Unauthorized:
        log("authorize", outcome="unauthorized")
        raise
    log("authorize", outcome="ok", merchant_id=policy["principalId"])
    return policy
