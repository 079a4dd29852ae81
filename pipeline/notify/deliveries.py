"""A webhook on its way: the message that the queue holds between attempts, which is all the state there is."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from pipeline.notify.events import Event, Malformed

LONGEST_DELAY_S = 900
"""That the queue can hold a message back; what is due later comes round and is sent again until then."""

_KINDS: dict[str, type] = {"event_id": str, "endpoint_id": str, "merchant_id": str, "payment_id": str, "version": int,
                           "trace_id": str, "payload": str, "attempt": int, "not_before": int}


@dataclass(frozen=True, slots=True)
class Delivery:
    """`payload` is signed and sent as it stands; `attempt` counts from 0; `not_before` is in ms since 1970."""

    event_id: str
    endpoint_id: str
    merchant_id: str
    payment_id: str
    version: int
    trace_id: str
    payload: str
    attempt: int = 0
    not_before: int = 0

    @classmethod
    def of(cls, event: Event, endpoint_id: str) -> Self:
        """The first attempt."""
        return cls(event.event_id, endpoint_id, event.merchant_id, event.payment_id, event.version, event.trace_id,
                   event.document)

    @classmethod
    def read(cls, text: str) -> Self:
        """A message's. Raises Malformed."""
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Malformed("the delivery is no JSON object")
        for name, kind in _KINDS.items():
            if type(found.get(name)) is not kind:
                raise Malformed(f"{name} of the delivery is missing or no {kind.__name__}")
        if found["attempt"] < 0:
            raise Malformed("the delivery has an attempt before the first")
        return cls(**{name: found[name] for name in _KINDS})

    @property
    def key(self) -> str:
        """Names it among all deliveries, over all attempts."""
        return f"{self.event_id}:{self.endpoint_id}"

    def text(self) -> str:
        """As a message."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def next(self, *, not_before: int) -> Self:
        """The attempt after this one."""
        return replace(self, attempt=self.attempt + 1, not_before=not_before)


def queue(client: Any, url: str, headers: Callable[[], Mapping[str, str]]) -> Callable[[Delivery, float], None]:
    """Sends deliveries to an SQS queue; a longer delay than the queue has ends early. `client`: boto3's sqs.

    `headers` gives the trace that goes on in the queue.
    """

    def send(delivery: Delivery, delay_s: float) -> None:
        trace = headers().get("X-Amzn-Trace-Id")
        more = {"MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}}
        # Upwards: a message that comes too early would only be sent again.
        client.send_message(QueueUrl=url, MessageBody=delivery.text(),
                            DelaySeconds=min(math.ceil(max(delay_s, 0)), LONGEST_DELAY_S), **(more if trace else {}))

    return send


def dead_letters(client: Any, url: str) -> Callable[[Delivery, str], None]:
    """Puts a delivery that is given up to the dead letters, with the reason as an attribute."""

    def give_up(delivery: Delivery, reason: str) -> None:
        client.send_message(QueueUrl=url, MessageBody=delivery.text(), MessageAttributes={
            "reason": {"DataType": "String", "StringValue": reason}})

    return give_up
