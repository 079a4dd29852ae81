"""Values compared with their types: True is not 1, and 1.0 is not 1.00."""

from __future__ import annotations

from typing import Any

WHAT_ERRORS_SAY = r"(?i)range|overflow|cast|convert|scale|precision|more than one row|multiple rows"


def exact(value: Any) -> str:
    """A value, or rows of values, as text that shows every type and a decimal's scale."""
    if isinstance(value, list | tuple):
        return f"({', '.join(map(exact, value))})"
    return f"{type(value).__name__} {value!r}"
