"""Trace ids in X-Ray's form `1-8hex-24hex`, which are OpenTelemetry's 32 digits with the first eight set apart."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

_TRACE = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}", re.ASCII)
_HEADER = re.compile(r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?=;|$)", re.ASCII)
_PARENT = re.compile(r"(?:^|;)Parent=([0-9a-f]{16})(?=;|$)", re.ASCII)
_MEMBER = re.compile(r'"trace_id": ?"(1-[0-9a-f]{8}-[0-9a-f]{24})"', re.ASCII)
FRESH = timedelta(minutes=10)
"""A trace begins now: an id of another time was chosen by somebody."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the platform says of the trace of this invocation; empty texts where it says nothing."""

    trace_id: str = ""
    parent: str = ""
    sampled: bool = True


def is_trace_id(text: str) -> bool:
    """Whether it has X-Ray's form and is not all zeros."""
    return bool(_TRACE.fullmatch(text)) and int(text[2:10] + text[11:], 16) != 0


def new_trace_id(at: datetime) -> str:
    """A trace that begins at `at`."""
    return f"1-{int(at.timestamp()):08x}-{secrets.token_hex(12)}"


def derived_trace_id(name: str, at: datetime) -> str:
    """The trace of a piece of work by its name, which began at `at`: the same for all who are told both."""
    return f"1-{int(at.timestamp()):08x}-{hashlib.sha256(name.encode()).hexdigest()[:24]}"


def trace_id_of(text: str) -> str:
    """`text` where it is a trace id, else one made of it, the same each time."""
    if is_trace_id(text):
        return text
    digits = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"1-{digits[:8]}-{digits[8:32]}"


def trace_ids_in(texts: Iterable[str], *, most: int) -> list[str]:
    """The first `most` different values of `trace_id` in JSON texts, in their order. It looks no further than that."""
    found: dict[str, None] = {}
    for text in texts:
        said = _MEMBER.search(text)
        if said is not None:
            found[said[1]] = None
        if len(found) == most:
            break
    return list(found)


def invocation() -> Invocation:
    """Read anew for each invocation, from the variable that the platform sets."""
    header = os.environ.get("_X_AMZN_TRACE_ID", "")
    root, parent = _HEADER.search(header), _PARENT.search(header)
    return Invocation(root[1] if root else "", parent[1] if parent else "", "Sampled=0" not in header)


def begun(at: datetime) -> str:
    """The trace of a request that comes in at `at`: the platform's where it is one that begins now, else a new one.

    What a caller sends as its trace is not read here; a platform that hands it on does so in its own variable, and what
    is not fresh there is not taken.
    """
    found = invocation().trace_id
    if is_trace_id(found) and abs(int(found[2:10], 16) - at.timestamp()) <= FRESH.total_seconds():
        return found
    return new_trace_id(at)
