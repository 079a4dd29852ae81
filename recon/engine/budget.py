"""What is about to be read of the lake, refused where it is more than anybody meant to pay for."""

from __future__ import annotations

from collections.abc import Sequence

from recon.engine.port import Call, Engine
from recon.errors import Refused

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


class OverBudget(Refused):
    """More would be read than the budget allows."""


def within(engine: Engine, calls: Sequence[Call], budget_bytes: int, *, what: str, instead: str,
           scratch: bool = False) -> int:
    """Bytes that have been read already and that the calls will read of what was exposed (see Engine.estimate).

    Raises OverBudget, saying `what` and what to do `instead`.
    """
    estimated = engine.scanned_bytes + engine.estimate(calls, scratch=scratch)
    require(estimated, budget_bytes, engine, what=what, instead=instead)
    return estimated


def require(estimated_bytes: int, budget_bytes: int, engine: Engine, *, what: str, instead: str) -> None:
    """Raises OverBudget where more would be read than the budget allows."""
    if estimated_bytes > budget_bytes:
        raise OverBudget(f"{what} would read about {size(estimated_bytes)} with engine {engine.name}, and the budget "
                         f"is {size(budget_bytes)}; set RECON_BYTES_BUDGET to more if you mean that, or {instead}")


def size(number_bytes: int) -> str:
    """A number of bytes as people read it, in powers of a thousand: 15.1 MB."""
    unit, shown = 0, number_bytes * 10
    while shown >= 10_000 and unit < len(_UNITS) - 1:
        unit, shown = unit + 1, (shown + 500) // 1000
    whole, tenth = divmod(shown, 10)
    return f"{whole} {_UNITS[unit]}" if unit == 0 else f"{whole}.{tenth} {_UNITS[unit]}"
