"""Adyen's SDK over our transport. The SDK has no setting for its address: what it makes of it is replaced below."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from Adyen.client import AdyenClient
from Adyen.services.checkout import ModificationsApi, PaymentsApi

from pipeline.gateways.reading import Unreadable, json_object
from pipeline.gateways.transport import Exchange, Unanswered
from pipeline.outcomes import Outcome

TEST_API = "https://checkout-test.adyen.com"
"""The default never moves real money; the live address holds the company's own prefix and is a setting."""
_SENT = ("idempotency-key",)


class SdkTransport:
    """What the SDK calls to send a request."""

    user_agent = "settlement-workbench"

    def __init__(self, transport: Exchange) -> None:
        self._transport = transport

    def request(self, method: str, url: str, json: Any = None, xapikey: str = "",
                headers: Mapping[str, str] | None = None) -> tuple[str, str, int, Mapping[str, str]]:
        """Body, an empty text in place of the request, status and headers. Raises Unanswered, which the SDK lets
        through: a success that cannot be read is one, too."""
        sent = {name: value for name, value in (headers or {}).items() if name.lower() in _SENT}
        reply = self._transport.send(
            method, urlsplit(url).path,
            {**sent, "Content-Type": "application/json", "X-API-Key": xapikey, "User-Agent": self.user_agent},
            _body(json))
        try:
            json_object(reply.body)
        except Unreadable:
            if reply.status < 300:
                raise Unanswered(Outcome.IN_DOUBT, "unreadable_answer") from None
            return "{}", "", reply.status, reply.headers
        return reply.body.decode(), "", reply.status, reply.headers


def make_services(key: str, transport: Exchange) -> tuple[Any, Any]:
    """The SDK's services for payments and for their modifications."""
    client = AdyenClient(xapikey=key, platform="test")
    client.http_client, client.http_init = SdkTransport(transport), True
    return PaymentsApi(client=client), ModificationsApi(client=client)


def _body(value: Any) -> bytes:
    return json.dumps(value).encode()
