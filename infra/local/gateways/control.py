"""What tests and the local stack say to the simulator: paths below /_control/, JSON in and out."""

from __future__ import annotations

import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from infra.local.errors import LocalRefused
from infra.local.gateways.faults import parse
from infra.local.gateways.keys import Reply
from infra.local.gateways.model import Refusal
from infra.local.gateways.report import iso_time
from infra.local.gateways.sender import Sender
from infra.local.gateways.settlement.defects import all_defects
from infra.local.gateways.settlement.settle import settled
from infra.local.gateways.simulator import Simulator
from infra.local.gateways.wire import Request, as_json

TRACE_HEADERS = ("traceparent", "x-amzn-trace-id")
TRACES = 10_000
"""Calls whose trace headers are remembered, the latest ones."""


class Control:
    """The control paths of a simulator and its webhook sender."""

    def __init__(self, simulator: Simulator, sender: Sender) -> None:
        self._simulator, self._sender = simulator, sender
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._traces: deque[dict[str, str]] = deque(maxlen=TRACES)
        self._paths: dict[str, Callable[[dict[str, Any], Mapping[str, str]], Any]] = {
            "GET health": lambda *_: {},
            "GET book": lambda _, asked: {"operations": simulator.report(int(asked.get("since", 0)))},
            "GET calls": lambda *_: dict(self._counts),
            "GET traces": lambda *_: list(self._traces),
            "GET faults": lambda *_: simulator.desk.faults.waiting(),
            "POST faults": self._fault,
            "DELETE faults": self._no_faults,
            "GET clock": lambda *_: {"now": iso_time(simulator.now())},
            "POST clock": lambda body, _: {"now": iso_time(simulator.advance(float(body["seconds"])))},
            "POST happen": self._happen,
            "POST webhooks": lambda body, _: sender.configure(body),
            "GET webhooks": lambda *_: sender.state(),
            "POST webhooks/forge": lambda body, _: sender.forge(body),
            "POST settle": self._settle,
            "GET settled": lambda *_: settled(simulator.store),
            "POST defects": lambda body, _: simulator.defect(body),
            "GET defects": lambda *_: [asdict(defect) for defect in all_defects(simulator.store)],
            "GET events": lambda _, asked: self._events(asked),
        }

    def handle(self, request: Request) -> Reply:
        """The answer; 400 with a message where something is not understood."""
        name = f"{request.method} {request.path.removeprefix('/_control/')}"
        if name not in self._paths:
            return as_json(404, {"message": f"there are {', '.join(self._paths)}"})
        asked = {key: values[-1] for key, values in parse_qs(request.query).items()}
        try:
            body = json.loads(request.body or b"{}")
            return as_json(200, self._paths[name](body, asked))
        except (ValueError, KeyError, TypeError, Refusal, LocalRefused) as error:
            return as_json(400, {"message": str(error) if not isinstance(error, KeyError) else f"{error} is missing"})

    def count(self, request: Request) -> None:
        """Counts a call to an API, by method and path, and remembers which trace it said that it is part of."""
        call = f"{request.method} {request.path}"
        with self._lock:
            self._counts[call] += 1
            self._traces.append({"call": call, **{name: request.headers.get(name, "") for name in TRACE_HEADERS}})

    def _fault(self, body: dict[str, Any], _: Mapping[str, str]) -> Any:
        self._simulator.desk.faults.add(parse(body))
        return {}

    def _no_faults(self, *_: Any) -> Any:
        self._simulator.desk.faults.clear()
        return {}

    def _happen(self, body: dict[str, Any], _: Mapping[str, str]) -> Any:
        return self._simulator.happen(body["kind"], str(body["payment_id"]), vendor=body["vendor"],
                                      amount=body.get("amount"), quiet=bool(body.get("quiet")))

    def _settle(self, body: dict[str, Any], _: Mapping[str, str]) -> Any:
        until, quiet_since = (None if body.get(name) is None
                              else int(datetime.fromisoformat(body[name]).timestamp() * 1000)
                              for name in ("until", "quiet_since"))
        return self._simulator.settle(Path(body["folder"]), until, quiet_since)

    def _events(self, asked: Mapping[str, str]) -> Any:
        found = self._simulator.outbox.all(asked.get("payment_id", ""))
        return [{"number": e.number, "vendor": e.vendor, "kind": e.kind, "payment_id": e.payment_id, "body": e.body,
                 "attempts": e.attempts} for e in found]
