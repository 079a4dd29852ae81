"""Many expressions at once: as columns of few statements, one by one only where a statement fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

TOGETHER = 25


class Answer(NamedTuple):
    """What an engine says: a value and its column's type, or what went wrong."""

    value: Any
    type: Any
    failure: Exception | None = None

    def shown(self) -> Any:
        """The value; raises what went wrong."""
        if self.failure is not None:
            raise self.failure
        return self.value


Ask = Callable[[str], tuple[Sequence[Any], Sequence[Any]]]
"""Runs a statement of one row: its values, and the types of its columns."""


def answers(ask: Ask, expressions: Sequence[str], *, at_once: int = 1) -> dict[str, Answer]:
    """The answer to each expression; `at_once` statements run side by side."""
    parts = [expressions[start:start + TOGETHER] for start in range(0, len(expressions), TOGETHER)]
    with ThreadPoolExecutor(at_once) as pool:
        found = list(pool.map(lambda part: _answer(ask, part), parts))
    return {expression: answer for part in found for expression, answer in part.items()}


def _answer(ask: Ask, expressions: Sequence[str]) -> dict[str, Answer]:
    columns = ", ".join(f"{expression} AS c{number}" for number, expression in enumerate(expressions))
    try:
        values, types = ask(f"SELECT {columns}")
    except Exception as failure:
        if len(expressions) == 1:
            return {expressions[0]: Answer(None, None, failure)}
        middle = len(expressions) // 2
        return _answer(ask, expressions[:middle]) | _answer(ask, expressions[middle:])
    return {expression: Answer(value, kind)
            for expression, value, kind in zip(expressions, values, types, strict=True)}
