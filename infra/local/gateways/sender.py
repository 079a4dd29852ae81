"""Sends webhooks: in order and once, or late, repeatedly, in another order, or forged, as it is told."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from infra.local.gateways.model import SECOND
from infra.local.gateways.outbox import Event
from infra.local.gateways.signing import adyen_signature, stripe_signature
from infra.local.gateways.simulator import Simulator
from infra.local.guard import require_loopback

_log = logging.getLogger(__name__)
_RETRY_S = (0.2, 1.0, 5.0, 30.0)
"""Rests after a refused webhook; the last one is repeated."""
_LOOK_S = 0.1
FORGERIES = ("wrong_secret", "unsigned", "altered", "stale")


@dataclass(frozen=True, slots=True)
class Policy:
    """Where webhooks go and how. An empty address keeps the vendor's events until there is one."""

    stripe_url: str = ""
    adyen_url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    paused: bool = False
    delay_s: float = 0.0
    duplicate: float = 0.0
    """Probability of each further copy, at most three."""
    reorder: bool = False
    """Events that wait together go out in another order."""
    batch: int = 1
    """How many items of Adyen's go into one request."""
    seed: int = 0

    def url(self, vendor: str) -> str:
        """Address of a vendor's webhooks."""
        return self.stripe_url if vendor == "stripe" else self.adyen_url


class Sender:
    """One thread that empties the outbox."""

    def __init__(self, simulator: Simulator, *, wall: Callable[[], float] = time.time) -> None:
        self._simulator, self._wall = simulator, wall
        self._policy = Policy(**json.loads(simulator.store.fact("webhooks") or "{}"))
        self._chance = random.Random(self._policy.seed)
        self._rests: dict[int, tuple[int, float]] = {}
        self._wake, self._ended = threading.Event(), threading.Event()
        self._log: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the request that is out."""
        self._ended.set()
        self._wake.set()
        self._thread.join(timeout=5)

    def configure(self, change: Mapping[str, Any]) -> dict[str, Any]:
        """Changes the policy; it outlives a restart. Raises ValueError for what no policy has."""
        known = {item.name for item in fields(Policy)}
        if not set(change) <= known:
            raise ValueError(f"webhooks have {', '.join(sorted(known))}")
        for name in ("stripe_url", "adyen_url"):
            if change.get(name):
                require_loopback(change[name], name)
        self._policy = replace(self._policy, **change)
        if "seed" in change:
            self._chance = random.Random(self._policy.seed)
        self._simulator.store.remember("webhooks", json.dumps(asdict(self._policy)))
        self._rests.clear()
        self._wake.set()
        return asdict(self._policy)

    def state(self) -> dict[str, Any]:
        """Policy, number of events that wait, and the last thousand requests: kinds, status (0: no answer)."""
        return {"policy": asdict(self._policy), "waiting": self._simulator.outbox.backlog(),
                "sent": self._log[-1000:]}

    def forge(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Sends the event with this number once more, in a way that a careful receiver refuses; its status."""
        forgery, number = wanted["forgery"], int(wanted["number"])
        if forgery not in FORGERIES:
            raise ValueError(f"a forgery is {', '.join(FORGERIES)}")
        event = next(event for event in self._simulator.outbox.all() if event.number == number)
        return {"status": self._post([event], forgery=forgery)}

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wake.wait(_LOOK_S)
            self._wake.clear()
            try:
                self._simulator.lapse()
                if not self._policy.paused:
                    self._round()
            except Exception:
                _log.exception("webhooks")

    def _round(self) -> None:
        now, policy = self._simulator.now(), self._policy
        vendors = [vendor for vendor in ("stripe", "adyen") if policy.url(vendor)]
        told = sorted((event for vendor in vendors for event in self._simulator.outbox.waiting(vendor)),
                      key=lambda event: event.number)
        due = [event for event in told if event.at + int(policy.delay_s * SECOND) <= now and self._rested(event)]
        if policy.reorder:
            self._chance.shuffle(due)
        while due and not self._ended.is_set():
            head = due[0].vendor
            size = policy.batch if head == "adyen" else 1
            group = [event for event in due if event.vendor == head][:size]
            due = [event for event in due if event not in group]
            self._deliver(group)

    def _deliver(self, group: list[Event]) -> None:
        status = self._post(group)
        taken = 200 <= status < 300
        for event in group:
            self._simulator.outbox.sent(event.number, self._simulator.now() if taken else None)
            if not taken:
                tries = self._rests.get(event.number, (0, 0.0))[0]
                rest = _RETRY_S[min(tries, len(_RETRY_S) - 1)]
                self._rests[event.number] = (tries + 1, time.monotonic() + rest)
        copies = 0
        while taken and copies < 3 and self._chance.random() < self._policy.duplicate:
            copies += 1
            self._post(group)

    def _rested(self, event: Event) -> bool:
        return time.monotonic() >= self._rests.get(event.number, (0, 0.0))[1]

    def _post(self, group: list[Event], *, forgery: str = "") -> int:
        vendor = group[0].vendor
        body, headers = self._stripe(group[0], forgery) if vendor == "stripe" else self._adyen(group, forgery)
        request = urllib.request.Request(self._policy.url(vendor), data=body, method="POST", headers={
            "Content-Type": "application/json", **headers, **self._policy.headers})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as answer:
                status = int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            status = error.code
        except (OSError, ValueError):
            status = 0
        self._log.append({"vendor": vendor, "kinds": [event.kind for event in group], "forgery": forgery,
                          "numbers": [event.number for event in group], "status": status})
        del self._log[:-1000]
        return status

    def _stripe(self, event: Event, forgery: str) -> tuple[bytes, dict[str, str]]:
        secret = self._simulator.secrets.stripe_webhook_secret
        payload = json.dumps(event.body, separators=(",", ":")).encode()
        seconds = int(self._wall()) - (3600 if forgery == "stale" else 0)
        signature = stripe_signature("whsec_other" if forgery == "wrong_secret" else secret, payload, seconds)
        if forgery == "altered":
            payload = payload.replace(b'"livemode":false', b'"livemode":true ')
        return payload, {} if forgery == "unsigned" else {"Stripe-Signature": signature}

    def _adyen(self, group: list[Event], forgery: str) -> tuple[bytes, dict[str, str]]:
        items = []
        for place, event in enumerate(group):
            item = dict(event.body)
            # The last item of a batch is the one that a receiver which checks only the first would take in.
            forged = forgery if place == len(group) - 1 else ""
            key = "00" * 32 if forged in ("wrong_secret", "stale") else self._simulator.secrets.adyen_hmac_key
            more = {} if forged == "unsigned" else {"hmacSignature": adyen_signature(key, item)}
            item["additionalData"] = {**item["additionalData"], **more}
            if forged == "altered":
                item["success"] = "false" if item["success"] == "true" else "true"
            items.append({"NotificationRequestItem": item})
        return json.dumps({"live": "false", "notificationItems": items}).encode(), {}
