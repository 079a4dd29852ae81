"""Asks the deployed relay to send on one payment's facts now, and does not wait for it."""

from __future__ import annotations

import json
from typing import Any, Protocol

from pipeline.telemetry.trace import current


class Log(Protocol):
    """One line."""

    def __call__(self, event: str, **fields: object) -> None:
        """Writes it."""
        ...


class InvokedRelay:
    """The relay as a function that is invoked as an event. What goes wrong is logged: the schedule comes anyway."""

    def __init__(self, client: Any, function: str, log: Log) -> None:
        """`client`: boto3's lambda; `function`: name or ARN of the relay."""
        self._client = client
        self._function = function
        self._log = log

    def drain(self, payment_id: int) -> None:
        """Asks for one payment; never raises. The relay goes on with the trace that this is part of."""
        payload = {"payment_id": str(payment_id)} | ({"trace_id": trace_id} if (trace_id := current().trace_id) else {})
        try:
            self._client.invoke(FunctionName=self._function, InvocationType="Event",
                                Payload=json.dumps(payload).encode())
        except Exception as error:
            self._log("relay_not_asked", payment_id=payment_id, error=type(error).__name__)
