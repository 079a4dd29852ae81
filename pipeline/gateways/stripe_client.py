"""Stripe's SDK over our transport: no retries, nothing sent but the request itself, refused answers as exceptions."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import stripe

from pipeline.gateways.reading import Unreadable, json_object
from pipeline.gateways.transport import Exchange, Unanswered
from pipeline.outcomes import Outcome

API_VERSION = "2026-10-28.endive"
PUBLIC_API = "https://api.stripe.com"
_SENT = ("authorization", "content-type", "idempotency-key", "stripe-version")

# It would add the machine's name and platform to each request, and bodies to the log.
stripe.enable_telemetry = False
logging.getLogger("stripe").setLevel(logging.WARNING)


class SdkTransport(stripe.HTTPClient):
    """What the SDK calls to send a request."""

    name = "budgeted"

    def __init__(self, transport: Exchange) -> None:
        super().__init__()
        self._transport = transport

    def request(self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, *,
                _usage: list[str] | None = None) -> tuple[str, int, Mapping[str, str]]:
        """Body, status and headers. Raises Unanswered, which the SDK lets through: a success that cannot be read
        is one, too."""
        path = url.removeprefix(self._transport.base)
        sent = {name: value for name, value in (headers or {}).items() if name.lower() in _SENT}
        body = post_data.encode() if isinstance(post_data, str) else post_data
        reply = self._transport.send(method.upper(), path, {**sent, "User-Agent": "settlement-workbench"}, body)
        try:
            json_object(reply.body)
        except Unreadable:
            if reply.status < 300:
                raise Unanswered(Outcome.IN_DOUBT, "unreadable_answer") from None
            return "{}", reply.status, reply.headers
        return reply.body.decode(), reply.status, reply.headers

    def close(self) -> None:
        """Nothing is kept open."""


def make_client(key: str, transport: Exchange) -> stripe.StripeClient:
    """A client of the account that `key` belongs to."""
    return stripe.StripeClient(key, stripe_version=API_VERSION, base_addresses={"api": transport.base},
                               max_network_retries=0, http_client=SdkTransport(transport))
