"""The channels: an SNS topic, an EventBridge bus, and the queue of webhooks with one message per endpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from pipeline.errors import Retryable
from pipeline.notify.deliveries import Delivery
from pipeline.notify.events import Event
from pipeline.telemetry.trace import current_headers

SOURCE = "payments"
"""What rules on the bus match as `source`."""


class Topic:
    """Publishes to SNS. `client`: boto3's sns."""

    name = "topic"

    def __init__(self, client: Any, arn: str) -> None:
        self._client, self._arn = client, arn

    def targets(self, event: Event) -> Sequence[str]:
        """The topic itself; who listens is SNS's affair."""
        return ("topic",)

    def tell(self, target: str, event: Event) -> None:
        """Publishes; subscribers can filter by the attributes. May raise."""
        texts = {"event_id": event.event_id, "merchant_id": event.merchant_id, "status": event.status,
                 "trace_id": event.trace_id}
        attributes = {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()}
        attributes["version"] = {"DataType": "Number", "StringValue": str(event.version)}
        self._client.publish(TopicArn=self._arn, Message=event.document, MessageAttributes=attributes)


class Bus:
    """Puts to an EventBridge bus. `client`: boto3's events."""

    name = "bus"

    def __init__(self, client: Any, bus: str) -> None:
        self._client, self._bus = client, bus

    def targets(self, event: Event) -> Sequence[str]:
        """The bus itself; who listens is its rules' affair."""
        return ("bus",)

    def tell(self, target: str, event: Event) -> None:
        """Puts the document as the detail. Raises Retryable where the bus did not take it; may raise otherwise."""
        trace = current_headers().get("X-Amzn-Trace-Id")
        entry = {"Source": SOURCE, "DetailType": event.type, "Detail": event.document, "EventBusName": self._bus,
                 "Time": datetime.fromisoformat(event.happened_at)}
        answer = self._client.put_events(Entries=[entry | ({"TraceHeader": trace} if trace else {})])
        # The call succeeds even where no entry was taken.
        if answer.get("FailedEntryCount") or any(one.get("ErrorCode") for one in answer.get("Entries", ())):
            codes = sorted({str(one["ErrorCode"]) for one in answer.get("Entries", ()) if one.get("ErrorCode")})
            raise Retryable(f"the bus did not take it: {', '.join(codes) or 'no reason given'}")


class Webhooks:
    """Queues one delivery for each active endpoint of the merchant."""

    name = "webhook"

    def __init__(self, active: Callable[[str], Sequence[str]], send: Callable[[Delivery, float], None]) -> None:
        """`active`: ids of a merchant's endpoints; `send`: queues a delivery for after so many seconds."""
        self._active, self._send = active, send

    def targets(self, event: Event) -> Sequence[str]:
        """An endpoint each; none where the merchant has none. May raise Retryable."""
        return [f"webhook:{endpoint_id}" for endpoint_id in self._active(event.merchant_id)]

    def tell(self, target: str, event: Event) -> None:
        """Queues it for now. May raise."""
        self._send(Delivery.of(event, target.removeprefix("webhook:")), 0)
