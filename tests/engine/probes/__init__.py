"""What the shared SQL means: expressions and statements with the value that every engine must give.

The values are stated from Trino's documented rules. Each module is one area; this is the index of all.
"""

from __future__ import annotations

from typing import Any

from tests.engine.probes import decimals, hashes, nulls, numbers, patterns, sets, text, times, windows

EXPRESSIONS: list[tuple[str, Any]] = [
    *numbers.EXPRESSIONS, *decimals.EXPRESSIONS, *nulls.EXPRESSIONS, *text.EXPRESSIONS, *patterns.EXPRESSIONS,
    *times.EXPRESSIONS, *hashes.EXPRESSIONS,
]
STATEMENTS: list[tuple[str, list[tuple[Any, ...]]]] = [*sets.STATEMENTS, *windows.STATEMENTS]
ERRORS: list[str] = [*numbers.ERRORS, *decimals.ERRORS, *sets.ERRORS]
"""Statements that every engine must refuse to answer."""
