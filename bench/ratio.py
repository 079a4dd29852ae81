"""A figure that holds on any machine: how long our work takes against a yardstick measured in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Ratio:
    """`seconds` of ours, after `allowance` seconds that are not counted, against `yardstick` seconds; at most `bar`."""

    name: str
    seconds: float
    yardstick: float
    bar: float
    allowance: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Ours as a multiple of the yardstick."""
        return (self.seconds - self.allowance) / self.yardstick

    @property
    def met(self) -> bool:
        """Whether the bar is met."""
        return self.ratio <= self.bar

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a file."""
        return {**asdict(self), "ratio": round(self.ratio, 3), "met": self.met}


def alternate(*work: Callable[[], object], rounds: int = 3) -> list[float]:
    """Least seconds of each piece of work over `rounds`, taken in turns so that a busy moment hits them all."""
    best = [float("inf")] * len(work)
    for _ in range(rounds):
        for position, piece in enumerate(work):
            start = time.perf_counter()
            piece()
            best[position] = min(best[position], time.perf_counter() - start)
    return best
