"""Requests as they come in, and what both vendors' front doors have in common."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from infra.local.gateways.desk import Call, Desk, Ending, Manners, Ticket
from infra.local.gateways.keys import MAX_LENGTH, Reply

STRIPE_ACCOUNT = "acct_simulator"
ADYEN_ACCOUNT = "SimulatorECOM"
Effect = Callable[[Ticket, int], Reply]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names in lower case, `query` as it stands in the address."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def key(self) -> str:
        """The idempotency key, which only POST has."""
        return self.headers.get("idempotency-key", "") if self.method == "POST" else ""

    @property
    def fingerprint(self) -> str:
        """Equal for equal address and parameters, in whatever order those come."""
        text = self.body.decode("utf-8", "replace")
        try:
            given: Any = json.loads(text)
        except ValueError:
            given = sorted(parse_qsl(text, keep_blank_values=True))
        canonical = json.dumps([self.method, self.path, given], sort_keys=True)
        return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the merchant and the simulator share. None of it is worth anything elsewhere."""

    stripe_key: str = "sk_test_simulator_0123456789"
    stripe_webhook_secret: str = "whsec_simulator_0123456789abcdef"
    adyen_key: str = "AQE_simulator_0123456789"
    adyen_hmac_key: str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
    stripe_account: str = STRIPE_ACCOUNT
    adyen_account: str = ADYEN_ACCOUNT


class Answered(Exception):
    """The request is answered before it reaches the book, and nothing of it is stored."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def serve(desk: Desk, manners: Manners, call: Call, effect: Effect, *, now: Callable[[], int],
          pause: Callable[[float], None]) -> Ending:
    """Takes a valid call through the desk, resting where it has to."""
    if len(call.key) > MAX_LENGTH[call.vendor]:
        return Ending(manners.failure("too_long"))
    opened = desk.open(call, manners, now())
    if isinstance(opened, Ending):
        return opened
    if opened.wait_before_s:
        pause(opened.wait_before_s)
    return desk.close(opened, effect, manners, now())


def as_json(status: int, body: Any, *headers: tuple[str, str]) -> Reply:
    """A JSON answer."""
    return Reply(status, json.dumps(body, separators=(",", ":")).encode("utf-8"), headers)


def form(text: str) -> dict[str, Any]:
    """A form with nested names: `metadata[payment_id]=1&expand[]=x` is {metadata: {payment_id: 1}, expand: [x]}."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, *inner = re.findall(r"[^\[\]]+|\[\]", name)
        place, last = found, head
        for part in inner:
            if part == "[]" or part.isdigit():
                part = str(len(place.get(last, {}))) if part == "[]" else part
            branch = place.setdefault(last, {})
            if not isinstance(branch, dict):
                branch = place[last] = {}
            place, last = branch, part
        place[last] = value
    return found
