"""What goes wrong on request: asked for over the control API, or by the payment-method token of the payment."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from infra.local.gateways.model import Verdict
from infra.local.gateways.store import Store

HELD_S = 60.0
"""How long an answer that never comes keeps its connection."""

BEFORE_KEYS = ("rate_limited", "unavailable", "in_flight", "unauthorized")
"""Answered before the idempotency layer: nothing is stored, nothing happens."""
WITHOUT_EFFECT = ("timeout_before", "cut_before", "error_before")
WITH_EFFECT = ("delay", "slow_after", "late", "timeout_after", "cut_after", "error_after", "trickle", "garbage",
               "webhook_lost", "fails_later")
VERDICTS = ("decline", "requires_action", "partial")
KINDS = (*BEFORE_KEYS, *WITHOUT_EFFECT, *WITH_EFFECT, *VERDICTS)
OPERATIONS = ("*", "authorize", "capture", "void", "refund", "look_up")


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault and what it strikes: `count` calls that fit (0: all), each with `probability`."""

    kind: str
    vendor: str = "*"
    operation: str = "*"
    payment_id: str = ""
    count: int = 1
    probability: float = 1.0
    seconds: float | None = None
    code: str = ""
    seed: int = 0

    @property
    def wait_before_s(self) -> float:
        """How long the call rests before its effect."""
        if self.kind in ("delay", "late"):
            return self._seconds(5.0 if self.kind == "delay" else 15.0)
        return 0.0

    @property
    def wait_after_s(self) -> float:
        """How long it rests when the rest is done."""
        if self.kind in ("timeout_before", "timeout_after"):
            return self._seconds(HELD_S)
        return self._seconds(5.0) if self.kind in ("slow_after", "trickle") else 0.0

    def verdict(self) -> Verdict | None:
        """The issuer's word that this fault stands for."""
        return Verdict(self.kind, self.code or "generic_decline") if self.kind in VERDICTS else None

    def _seconds(self, default: float) -> float:
        return default if self.seconds is None else self.seconds


def parse(body: Mapping[str, Any]) -> Fault:
    """A fault as the control API gives it. Raises ValueError naming what would be accepted."""
    known = {field.name for field in fields(Fault)}
    if not set(body) <= known or body.get("kind") not in KINDS or body.get("operation", "*") not in OPERATIONS:
        raise ValueError(f"a fault has {', '.join(sorted(known))}; kinds are {', '.join(KINDS)}; "
                         f"operations {', '.join(OPERATIONS)}")
    return Fault(**body)


class Faults:
    """Faults that wait to strike, oldest first; those of tokens strike the first attempt of each operation."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, int, random.Random]] = []

    def add(self, fault: Fault) -> None:
        """One more."""
        with self._lock:
            self._waiting.append((fault, fault.count, random.Random(fault.seed)))

    def clear(self) -> None:
        """None any more."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """Those that may strike yet, with how often."""
        with self._lock:
            return [{**asdict(fault), "count": left} for fault, left, _ in self._waiting]

    def take(self, vendor: str, operation: str, payment_id: str, token: str) -> Fault | None:
        """The fault of this call, None for none."""
        return self._asked(vendor, operation, payment_id) or self._of_token(vendor, operation, payment_id, token)

    def _asked(self, vendor: str, operation: str, payment_id: str) -> Fault | None:
        with self._lock:
            for place, (fault, left, chance) in enumerate(self._waiting):
                fits = (fault.vendor in ("*", vendor) and fault.operation in ("*", operation)
                        and fault.payment_id in ("", payment_id))
                if not fits or chance.random() >= fault.probability:
                    continue
                if left == 1:
                    del self._waiting[place]
                elif left:
                    self._waiting[place] = (fault, left - 1, chance)
                return fault
        return None

    def _of_token(self, vendor: str, operation: str, payment_id: str, token: str) -> Fault | None:
        fault = TOKENS.get(token, {}).get(operation)
        if fault is None or fault.count == 0:
            return fault
        attempt = f"{vendor}:{payment_id}:{operation}"
        first = self._store.change("INSERT INTO struck VALUES (?) ON CONFLICT DO NOTHING", attempt)
        return fault if first else None


def _declines(code: str) -> dict[str, Fault]:
    return {"authorize": Fault("decline", count=0, code=code)}


TOKENS: dict[str, dict[str, Fault]] = {
    "pm_card_visa": {},
    "pm_card_mastercard": {},
    "pm_card_chargeDeclined": _declines("generic_decline"),
    "pm_card_visa_chargeDeclined": _declines("generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": _declines("insufficient_funds"),
    "pm_card_chargeDeclinedExpiredCard": _declines("expired_card"),
    "pm_card_chargeDeclinedLostCard": _declines("lost_card"),
    "pm_card_chargeDeclinedFraudulent": _declines("fraudulent"),
    "pm_card_authenticationRequired": {"authorize": Fault("requires_action", count=0)},
    "pm_sim_requires_action": {"authorize": Fault("requires_action", count=0)},
    "pm_sim_partial": {"authorize": Fault("partial", count=0)},
    "pm_sim_429": {"authorize": Fault("rate_limited")},
    "pm_sim_503": {"authorize": Fault("unavailable")},
    "pm_sim_500_before": {"authorize": Fault("error_before")},
    "pm_sim_500_after": {"authorize": Fault("error_after")},
    "pm_sim_timeout_before": {"authorize": Fault("timeout_before")},
    "pm_sim_timeout_after": {"authorize": Fault("timeout_after")},
    "pm_sim_late": {"authorize": Fault("late", seconds=15.0)},
    "pm_sim_cut_before": {"authorize": Fault("cut_before")},
    "pm_sim_cut_after": {"authorize": Fault("cut_after")},
    "pm_sim_garbage": {"authorize": Fault("garbage")},
    "pm_sim_trickle": {"authorize": Fault("trickle", seconds=30.0)},
    "pm_sim_slow_2s": {"authorize": Fault("delay", seconds=2.0)},
    "pm_sim_slow_8s": {"authorize": Fault("delay", seconds=8.0)},
    "pm_sim_webhook_lost": {"authorize": Fault("webhook_lost"), "capture": Fault("webhook_lost")},
    "pm_sim_capture_timeout_before": {"capture": Fault("timeout_before")},
    "pm_sim_capture_timeout_after": {"capture": Fault("timeout_after")},
    "pm_sim_capture_500_after": {"capture": Fault("error_after")},
    "pm_sim_capture_429": {"capture": Fault("rate_limited")},
    "pm_sim_capture_cut_after": {"capture": Fault("cut_after")},
    "pm_sim_capture_slow_4s": {"capture": Fault("delay", seconds=4.0)},
    "pm_sim_capture_fails": {"capture": Fault("fails_later", count=0)},
    "pm_sim_void_timeout_after": {"void": Fault("timeout_after")},
    "pm_sim_void_500_after": {"void": Fault("error_after")},
    "pm_sim_refund_fails": {"refund": Fault("fails_later", count=0)},
    "pm_sim_refund_timeout_after": {"refund": Fault("timeout_after")},
}
"""Faults by payment-method token and operation. One with count 0 strikes each attempt, the others the first alone;
a token that is not listed is an ordinary card."""
