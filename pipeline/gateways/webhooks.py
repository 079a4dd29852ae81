"""Verifies a gateway's webhook and gives its events. Order and repetition are the receiver's business, by event_id and
by the transitions that the payment's status allows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pipeline.gateways.events import GatewayEvent, WebhookRefused

LONGEST_BODY = 256 * 1024


def read_webhook(gateway: str, body: bytes, headers: Mapping[str, str], *, secrets: Mapping[str, str], at: datetime,
                 ) -> list[GatewayEvent]:
    """The events of a message, verified with stripe_webhook_secret or adyen_hmac_key of `secrets` at the time `at`.

    All or nothing: one forged item refuses the whole message. Raises WebhookRefused.
    """
    if len(body) > LONGEST_BODY:
        raise WebhookRefused("too_long", f"a webhook has at most {LONGEST_BODY} bytes")
    lower = {name.lower(): value for name, value in headers.items()}
    if gateway == "stripe":
        from pipeline.gateways.stripe_events import read_stripe

        return [read_stripe(body, lower.get("stripe-signature"), secret=secrets.get("stripe_webhook_secret"), at=at)]
    if gateway == "adyen":
        from pipeline.gateways.adyen_events import read_adyen

        return read_adyen(body, key=secrets.get("adyen_hmac_key"))
    raise WebhookRefused("unknown_gateway", "no such gateway")
