"""When a case is due: hours by severity, shipped with defaults, replaced by `breaks` of {lake}/policy/policy.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from typing import Any

from recon.breaks.case import SEVERITIES
from recon.errors import Refused
from recon.store.port import Absent, Store

_OWN = "policy/policy.json"
_AT_MOST = 10_000
"""Hours: somewhat more than a year."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Hours from where a case's time begins until it is due, by severity."""

    due_hours: Mapping[str, int]

    @classmethod
    def load(cls, store: Store) -> Policy:
        """The lake's own hours laid over the shipped ones. Raises Refused naming the fault and what is accepted."""
        shipped: dict[str, int] = json.loads(resources.files("recon.breaks").joinpath("policy.json").read_bytes())[
            "due_hours"]
        try:
            body = store.read(_OWN)
        except Absent:
            return cls(shipped)
        return cls(shipped | _checked(body, f"{store.root}/{_OWN}"))

    def due_at(self, severity: str, since: datetime) -> datetime:
        """When a case of this severity is due whose time begins at `since`."""
        return since + timedelta(hours=self.due_hours[severity])


def _checked(body: bytes, path: str) -> dict[str, int]:
    try:
        own: Any = json.loads(body)
        breaks = own.get("breaks", {})
        hours = breaks.get("due_hours", {})
        given = dict(hours.items())
    except (ValueError, AttributeError):
        raise Refused(f"{path}: 'breaks' is not as expected; accepted: an object such as "
                      '{"due_hours": {"break": 24}}') from None
    strange = sorted(set(breaks) - {"due_hours"})
    if strange:
        raise Refused(f"{path}: 'breaks' has {', '.join(strange)}; accepted: due_hours")
    for severity, value in given.items():
        if severity not in SEVERITIES:
            raise Refused(f"{path}: due_hours has severity {severity!r}; accepted: {', '.join(SEVERITIES)}")
        if type(value) is not int or not 1 <= value <= _AT_MOST:
            raise Refused(f"{path}: due_hours of {severity} is {value!r}; accepted: whole hours from 1 to {_AT_MOST}")
    return given
