"""What almost matched: the closest other side of something that is missing, and which rule it failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from recon.match.claim import KEYS, disagreeing
from recon.match.facts import Line, Movement
from recon.match.finding import money

_REACH = timedelta(days=7)


class Nearest:
    """Unclaimed movements and lines, looked up by what they share."""

    def __init__(self, movements: Sequence[Movement], lines: Sequence[Line]) -> None:
        self._movements = _index(movements)
        self._lines = _index(lines)

    def to_movement(self, movement: Movement) -> str | None:
        """The unclaimed line that comes closest to a movement."""
        near = [line for line in _candidates(self._lines, movement) if isinstance(line, Line)]
        if not near:
            return None
        line = min(near, key=lambda other: (_distance(movement, other), other.native_id))
        return f"line {line.native_id}: {_why(movement, line)}"

    def to_line(self, line: Line) -> str | None:
        """The unclaimed movement that comes closest to a line."""
        near = [m for m in _candidates(self._movements, line) if isinstance(m, Movement)]
        if not near:
            return None
        movement = min(near, key=lambda other: (_distance(other, line), other.journal_id))
        return f"movement {movement.journal_id} of payment {movement.payment_id}: {_why(movement, line)}"


_Side = Movement | Line
_Index = dict[tuple[str, ...], list[_Side]]


def _index(items: Iterable[_Side]) -> _Index:
    found: _Index = defaultdict(list)
    for item in items:
        for key in _keys(item):
            found[key].append(item)
    return found


def _keys(item: _Side) -> list[tuple[str, ...]]:
    keys = [(item.gateway, key, str(value)) for key in KEYS if (value := getattr(item, key))]
    return [*keys, (item.gateway, item.gateway_account, item.kind, str(item.currency), str(item.amount_minor))]


def _candidates(index: _Index, item: _Side) -> list[_Side]:
    found = {other.subject: other for key in _keys(item) for other in index.get(key, ())}
    at = _at(item)
    return [other for other in found.values() if other.kind == item.kind and abs(_at(other) - at) <= _REACH]


def _at(item: _Side) -> datetime:
    return item.event_at if isinstance(item, Movement) else item.occurred_at


def _distance(movement: Movement, line: Line) -> tuple[int, int, timedelta]:
    same = (movement.currency, movement.amount_minor) == (line.currency, line.amount_minor)
    shared = sum(1 for key in KEYS if getattr(line, key) and getattr(line, key) == getattr(movement, key))
    return (-shared, 0 if same else 1, abs(movement.event_at - line.occurred_at))


def _why(movement: Movement, line: Line) -> str:
    faults = []
    if movement.gateway_account != line.gateway_account:
        faults.append(f"account is {line.gateway_account} at the gateway and {movement.gateway_account} in the ledger")
    for key in disagreeing(movement, line):
        faults.append(f"{key} is {getattr(line, key)} at the gateway and {getattr(movement, key)} in the ledger")
    if (movement.currency, movement.amount_minor) != (line.currency, line.amount_minor):
        faults.append(
            f"amount is {money(line.amount_minor, line.currency)} at the gateway and "
            f"{money(movement.amount_minor, movement.currency)} in the ledger"
        )
    apart = abs(movement.event_at - line.occurred_at)
    return "; ".join(faults or ["no reference is shared"]) + f"; {apart.total_seconds():.0f} s apart"
