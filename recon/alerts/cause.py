"""A cause: why several rows, cases or findings are there. What people are told is about causes, never about rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SEVERITIES = ("timing", "warning", "break")
"""The lowest first."""
FLAGGED = frozenset({"warning", "break"})
"""Severities of cases that somebody is told of."""


@dataclass(frozen=True, slots=True, order=True)
class Cause:
    """Class, gateway and account; and for feeds, batches and hours of the lake which one. Absent parts are empty."""

    cls: str
    gateway: str = ""
    gateway_account: str = ""
    subject: str = ""

    @property
    def fingerprint(self) -> str:
        """The same for one cause, whichever run finds it: 32 hex characters."""
        parts = [self.cls, self.gateway, self.gateway_account, self.subject]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    @property
    def is_one_thing(self) -> bool:
        """Whether it is about one file, batch or hour: said once, where others are said with every new case."""
        return bool(self.subject)

    def to_dict(self) -> dict[str, str | None]:
        """As messages have it."""
        return {"class": self.cls, "gateway": self.gateway or None, "gateway_account": self.gateway_account or None,
                "subject": self.subject or None}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Cause:
        """What to_dict() made."""
        return cls(told["class"], told["gateway"] or "", told["gateway_account"] or "", told["subject"] or "")


def cause_of(cls: str, gateway: str | None, account: str | None, subject_id: str) -> Cause:
    """The cause of a row or finding of this class and subject (as RECONCILIATION section 6 writes subjects)."""
    return Cause(cls, gateway or "", account or "", _one_thing(subject_id))


def worst(severities: list[str]) -> str:
    """The gravest of them; `timing` of none."""
    return max(severities, key=SEVERITIES.index, default=SEVERITIES[0])


def _one_thing(subject_id: str) -> str:
    """A batch whatever its currency, an hour of a table whatever step and currency; empty for single payments."""
    kind = subject_id.partition(":")[0]
    if kind in ("feed", "cohort"):
        return subject_id
    if kind == "batch":
        return subject_id.rpartition(":")[0]
    if kind == "hour":
        return subject_id.rsplit(":", 2)[0]
    return ""
