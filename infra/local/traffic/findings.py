"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not hold: `where` is a payment id, else a key, a journal or an account."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Check:
    """`name` says what must hold, `looked_at` how many things it was asked of, `unit` what these are."""

    name: str
    looked_at: int
    unit: str
    faults: tuple[Fault, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.faults


def check(name: str, looked_at: int, unit: str, faults: Iterable[Fault]) -> Check:
    """A check of these faults, each once."""
    return Check(name, looked_at, unit, tuple(dict.fromkeys(faults)))
