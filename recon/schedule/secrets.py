"""Keeps secrets out of notebooks: parameters that look like one are refused, and the environment's are withheld.

A run's output is mailed and filed, so a key that reaches it has leaked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

REMOVED = "[removed]"

_NAME = re.compile(r"secret|token|passw|_pwd|credential|api_?key|access_?key|private_?key|signature|webhook_?key", re.I)
_VALUE = re.compile(
    r"(AKIA|ASIA)[0-9A-Z]{16}"  # AWS access key id
    r"|\b(sk|rk|pk)_(live|test)_\w{8,}|\bwhsec_\w{8,}"  # Stripe
    r"|\bAQE\w{20,}[\w+/=.-]*"  # Adyen API key
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+"  # JSON web token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|://[^/\s:@]+:[^/\s@]+@"  # user and password in an address
    r"|[?&](X-Amz-Signature|X-Amz-Credential|AWSAccessKeyId|sig|token)=",
    re.I,
)
_LENGTH_MIN = 6
"""A shorter value would blank out ordinary text."""


def fault(name: str, value: object) -> str | None:
    """Why a parameter may not be passed on, without repeating its value; None when it may."""
    if _NAME.search(name):
        return f"parameter {name} looks like a secret by its name; secrets are read from the environment, never given"
    if isinstance(value, str) and _VALUE.search(value):
        return f"parameter {name} carries something that looks like a secret; secrets are read from the environment"
    return None


def held_by(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of the variables that are named like a secret, longest first."""
    values = {value for name, value in environment.items() if _NAME.search(name) and len(value) >= _LENGTH_MIN}
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


def without(environment: Mapping[str, str], *, keep: Iterable[str] = ()) -> dict[str, str]:
    """The environment without its secrets, but for the names in `keep`."""
    kept = set(keep)
    return {name: value for name, value in environment.items() if name in kept or not _NAME.search(name)}


def scrub(text: str, values: Iterable[str]) -> str:
    """`text` with every one of `values`, and everything that looks like a secret, replaced."""
    for value in values:
        text = text.replace(value, REMOVED)
    return _VALUE.sub(REMOVED, text)


def of_this_process() -> tuple[str, ...]:
    """The secrets that this process was started with."""
    return held_by(os.environ)
