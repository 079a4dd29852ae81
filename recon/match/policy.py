"""What is timing, warning or break, and when: data, shipped with defaults and replaced by {lake}/policy/policy.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from recon.errors import Refused
from recon.lake import Lake

_OWN = "policy/policy.json"
SEVERITIES = ("info", "timing", "warning", "break")


@dataclass(frozen=True, slots=True)
class Policy:
    """Severity and root cause per class; `digest` (hex SHA-256) goes into the manifest."""

    classes: Mapping[str, Mapping[str, Any]]
    digest: str

    @classmethod
    def load(cls, lake: Lake) -> Policy:
        """The lake's own policy laid over the shipped one. Raises Refused naming the fault and what is accepted."""
        shipped = resources.files("recon.match").joinpath("policy.json").read_bytes()
        classes: dict[str, Mapping[str, Any]] = dict(json.loads(shipped)["classes"])
        digest = hashlib.sha256(shipped)
        text = lake.text(_OWN)
        if text is not None:
            digest.update(text)
            classes |= _checked(text, f"{lake.root}/{_OWN}", classes)
        return cls(classes, digest.hexdigest())

    def severity(self, divergence: str, window: str) -> str:
        """info, timing, warning or break."""
        return str(self.classes[divergence]["severity"][window])

    def root_cause(self, divergence: str) -> str:
        """What most often causes a divergence of this class, in plain words."""
        return str(self.classes[divergence]["root_cause"])


def _checked(text: bytes, path: str, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    try:
        given = json.loads(text).get("classes", {})
    except (ValueError, AttributeError) as error:
        raise Refused(f"{path}: not a policy: {error}; accepted: a JSON object with 'classes'") from None
    merged: dict[str, Mapping[str, Any]] = {}
    for name, rule in given.items():
        if name not in known:
            raise Refused(f"{path}: class {name!r} is unknown; accepted: {', '.join(sorted(known))}")
        own = rule.get("severity", {})
        if isinstance(own, str):
            own = dict.fromkeys(known[name]["severity"], own)
        severity = {**known[name]["severity"], **own}
        for window, value in severity.items():
            if window not in known[name]["severity"] or value not in SEVERITIES:
                raise Refused(
                    f"{path}: severity {value!r} of {name} at {window!r}; accepted: {', '.join(SEVERITIES)} at "
                    f"{', '.join(known[name]['severity'])}"
                )
        merged[name] = {**known[name], **rule, "severity": severity}
    return merged
