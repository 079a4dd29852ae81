"""The Idempotency-Key header: 16 to 128 of A-Z, a-z, 0-9, _ . : and -, bare or as a quoted string."""

from __future__ import annotations

import re

from pipeline.handlers.http.exchange import Request
from pipeline.handlers.http.problems import key_problem

HEADER = "Idempotency-Key"
PATTERN = r"[A-Za-z0-9_.:\-]{16,128}"
ACCEPTED = "16 to 128 characters of A-Z, a-z, 0-9, _ . : and - are accepted, with or without double quotes"
_KEY = re.compile(f'"({PATTERN})"|({PATTERN})', re.ASCII)


def key_of(request: Request) -> str:
    """The key without its quotes. Raises Problem 400."""
    name = HEADER.lower()
    text = request.headers.get(name, "").strip(" \t")
    if not text:
        raise key_problem(f"the header {HEADER} is missing; {ACCEPTED}")
    if name in request.repeated:
        raise key_problem(f"the header {HEADER} is given more than once")
    found = _KEY.fullmatch(text)
    if found is None:
        raise key_problem(f"the header {HEADER} is ill-formed; {ACCEPTED}")
    return found[1] or found[2]
