"""Where defects find their payments: untouched, away from faulty deliveries and from holes in the lake."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from recon.worlds.clock import DAY, HOUR, MINUTE, local_date
from recon.worlds.frame import ACCOUNTS, Account
from recon.worlds.journals import COMMIT_AFTER
from recon.worlds.model import History, Line, Movement, Payment
from recon.worlds.plan import Plan

Wanted = Callable[[Payment], bool]
_GAP_REACH = 27 * HOUR
"""Around a hole in the lake nothing is planted whose movement could lie in it."""


def anything(_: Payment) -> bool:
    """No wish about the payment."""
    return True


@dataclass(slots=True)
class Workshop:
    """A history under work. Days count from the world's first day; `simple` are payments with one capture, one
    line, by day of the capture; `by_hour` payments with a journal in an hour, in a clean history."""

    history: History
    plan: Plan
    rng: random.Random
    simple: dict[int, list[Payment]] = field(default_factory=lambda: defaultdict(list))
    by_hour: dict[int, list[Payment]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def open(cls, history: History, plan: Plan) -> Workshop:
        """A workshop over a clean history."""
        shop = cls(history, plan, random.Random(f"{history.seed}:defects"))
        for p in history.payments:
            if p.path != "rejected":
                hours = {at // HOUR for at in (p.reserved_at, p.ended_at, *(m.at for m in p.moves))}
                for hour in hours | {(p.ended_at + COMMIT_AFTER) // HOUR}:
                    shop.by_hour[hour].append(p)
            if p.path == "captured" and len(p.moves) == len(p.lines) == 1:
                shop.simple[shop.day_of(p.moves[0].at)].append(p)
        return shop

    def day_of(self, at: int) -> int:
        """Day of the world."""
        return (at - self.history.start) // DAY

    def instant(self, day: int, *, after: int = 0) -> int:
        """Some instant of the day, a while before its end, not before `after`."""
        begins = self.history.start + day * DAY
        return max(after, begins + self.rng.randrange(2 * HOUR, 21 * HOUR))

    def pick(
        self, day: int, wanted: Wanted = anything, *, at: int | None = None, loose: bool = False
    ) -> Payment | None:
        """A simple payment captured that day that nothing has touched. `at`: when its defect shows, where that is not
        the capture. `loose`: the defect leaves a line that names no payment."""
        found = [p for p in self.simple.get(day, []) if p.defect is None]
        for p in self.rng.sample(found, min(len(found), 60)):
            when = p.moves[0].at if at is None else at
            if wanted(p) and self.free(p, p.moves[0].at, loose) and self.free(p, when, loose):
                return p
        return None

    def earlier(self, day: int, at: int, wanted: Wanted = anything) -> Payment | None:
        """A simple payment of up to five days before, or of the day itself before `at`."""
        for back in self.rng.sample(range(6), 6):
            p = self.pick(day - back, lambda p: wanted(p) and p.moves[0].at < at - 20 * MINUTE, at=at)
            if p:
                return p
        return None

    def free(self, payment: Payment, at: int, loose: bool = False) -> bool:
        """Whether a defect of the payment may show at `at`: inside the world, deliveries sound on that day and both
        beside it, no hole near that the movement could lie in."""
        if not self.history.start + HOUR <= at < self.history.until - 2 * HOUR:
            return False
        account = payment.account
        turn = (local_date(at, account.zone) - local_date(self.history.start, account.zone)).days
        if any(self.plan.taken(account, t) for t in (turn - 1, turn, turn + 1)):
            return False
        named = not loose and account.layout != "activity"
        return not any(
            abs(at - gap.hour) < _GAP_REACH and (not named or payment.bucket in gap.buckets)
            for gap in self.history.gaps
        )

    def open_turns(self, day: int, accounts: Iterable[int]) -> list[tuple[Account, int]]:
        """(account, day) among `accounts` with nothing planned on that day or beside it, in random order."""
        found = [
            (ACCOUNTS[i], day)
            for i in accounts
            if not any(self.plan.taken(ACCOUNTS[i], turn) for turn in (day - 1, day, day + 1))
        ]
        self.rng.shuffle(found)
        return found


def drop(line: Line) -> None:
    """The gateway never wrote the line."""
    line.payment.lines.remove(line)
    if line.movement is not None:
        line.movement.lines.remove(line)


def unpost(movement: Movement) -> None:
    """The ledger never posted the movement; its lines stay."""
    movement.payment.moves.remove(movement)
    for line in movement.lines:
        line.movement = None


def blank(line: Line) -> None:
    """The line loses every reference."""
    line.operation_ref = line.gateway_ref = line.charge_ref = line.payment_ref = ""


def part_of(amount: int, step: int, percent: int) -> int:
    """`percent` of an amount, a multiple of `step`, at least one step."""
    return max(step, amount * percent // 100 // step * step)
