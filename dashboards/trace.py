"""Where a trace can be looked at."""

from __future__ import annotations

import re

_TRACE = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")


class Link(str):
    """A text that leads somewhere: `href` is its address."""

    __slots__ = ("href",)
    href: str

    def __new__(cls, text: str, href: str) -> Link:
        made = super().__new__(cls, text)
        made.href = href
        return made


def link(region: str | None, trace_id: str | None) -> str:
    """The trace's id; with a region, and an id of X-Ray's form, a Link to its page in the console."""
    if not trace_id:
        return "–"
    if not region or not _TRACE.fullmatch(trace_id):
        return trace_id
    return Link(trace_id, f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
                          f"#xray:traces/{trace_id}")  # fmt: skip
