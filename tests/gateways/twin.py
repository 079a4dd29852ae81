"""The gateways within this process: the simulator's book and manners behind the adapters, without HTTP and waiting."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

from infra.local.gateways.simulator import Simulator
from infra.local.gateways.wire import Request
from pipeline.gateways.transport import Reply, Unanswered, time_left
from pipeline.outcomes import Outcome


class TwinExchange:
    """Sends to `simulator`. What would wait moves its clock on; past the caller's budget the answer is lost."""

    base = "http://127.0.0.1:1"

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._one_at_a_time = threading.Lock()
        self.sent: list[Request] = []

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """See pipeline.gateways.transport.Exchange."""
        try:
            budget_s = time_left()
        except TimeoutError:
            raise Unanswered(Outcome.RETRYABLE, "timeout_before_sending") from None
        waited: list[float] = []

        def rest(seconds: float) -> None:
            waited.append(seconds)
            self.simulator.advance(min(seconds, budget_s))

        parts = urlsplit(path)
        request = Request(method, parts.path, parts.query, {name.lower(): value for name, value in headers.items()},
                          body or b"")
        with self._one_at_a_time:
            self.sent.append(request)
            ending = self.simulator.handle(request, rest)
            if ending.wait_s:
                rest(ending.wait_s)
        if ending.how == "silence" or sum(waited) > budget_s:
            raise Unanswered(Outcome.IN_DOUBT, "timeout")
        if ending.how == "cut":
            raise Unanswered(Outcome.IN_DOUBT, "connection_lost")
        content = b"<html>" if ending.how == "garbage" else ending.reply.body
        status = 200 if ending.how == "garbage" else ending.reply.status
        return Reply(status, {name.lower(): value for name, value in ending.reply.headers}, content)
