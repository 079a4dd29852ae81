"""Which defects are planted how often: a good share in the cohorts of the listed runs, the rest anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from recon.worlds.clock import DAY
from recon.worlds.defects import captures, feeds, holes, keys, refunds
from recon.worlds.delivery import deliver
from recon.worlds.generator import clean_history
from recon.worlds.model import History, Run
from recon.worlds.plan import Plan
from recon.worlds.workshop import Workshop

Operation = Callable[[Workshop, int], bool]


@dataclass(frozen=True, slots=True)
class Defect:
    """A registered defect. `per_100k` is how many of 100,000 payments it strikes outside the listed cohorts."""

    operation: Operation
    per_100k: int

    @property
    def name(self) -> str:
        """Name in world.json."""
        return self.operation.__name__


MONEY = tuple(
    Defect(operation, rate)
    for operation, rate in (
        (captures.missing_at_gateway, 40),
        (captures.missing_in_ledger, 30),
        (captures.amount_mismatch, 40),
        (captures.currency_mismatch, 20),
        (captures.scale_error, 20),
        (captures.duplicate_capture, 30),
        (captures.captured_but_voided, 30),
        (captures.partial_capture, 20),
        (captures.partial_capture_reported, 10),
        (captures.capture_failed_at_gateway, 30),
        (keys.keyless_twins, 15),
        (keys.crossed_keys, 15),
        (keys.suggested_match, 30),
        (keys.keyless_twin_lost, 10),
        (keys.equal_refunds, 15),
        (refunds.refund_missing_at_gateway, 30),
        (refunds.refund_missing_in_ledger, 30),
        (refunds.refund_amount_mismatch, 30),
        (refunds.duplicate_refund, 20),
        (refunds.refund_failed, 20),
        (refunds.chargeback_unposted, 30),
        (refunds.chargeback_missing_at_gateway, 20),
        (refunds.chargeback_amount_mismatch, 20),
        (refunds.chargeback_reversal_unposted, 20),
        (captures.double_posting, 30),
        (captures.held_type, 15),
    )
)
"""Defects of single payments, strongest claim on scarce payments first."""

PER_COHORT = 500
"""One more of each defect per listed cohort for every so many payments a day."""


def defective_history(seed: int, payments: int, days: int) -> History:
    """The history of `days` days with its defects and deliveries; history.planted counts what was done."""
    history = clean_history(seed, payments, days)
    plan = Plan()
    shop = Workshop.open(history, plan)
    planted: Counter[str] = Counter()
    cohorts = _cohort_days(history)
    _plant_deliveries(shop, cohorts, planted)
    _plant_holes(shop, cohorts, planted)
    _plant_money(shop, cohorts, planted)
    deliver(history, plan)
    planted.subtract(feeds.effect_of(change) for change in plan.undone)
    history.planted = {name: count for name, count in planted.items() if count}
    return history


def _cohort_days(history: History) -> list[int]:
    """Days of the T+N cohorts, in the order of the runs."""
    return list(dict.fromkeys((run.cohort_from - history.start) // DAY for run in _daily(history)))


def _daily(history: History) -> list[Run]:
    return [run for run in history.runs if run.window != "hourly"]


def _plant_deliveries(shop: Workshop, cohorts: list[int], planted: Counter[str]) -> None:
    """Feed and batch defects, at most three to a cohort day so that sound accounts remain; some elsewhere too."""
    kinds: tuple[Operation, ...] = (
        feeds.feed_late,
        feeds.feed_duplicate,
        feeds.feed_restated,
        feeds.feed_incomplete,
        feeds.payout_residual,
        feeds.payout_missing,
        feeds.negative_carry_over,
        feeds.batch_gap,
        feeds.feed_cut_then_whole,
        feeds.feed_reordered,
    )
    for turn, operation in enumerate(kinds):
        for step in range(len(cohorts)):
            if _do(shop, operation, cohorts[(turn + step) % len(cohorts)], planted):
                break
    elsewhere = [day for day in range(1, shop.history.days - 2) if all(abs(day - other) > 2 for other in cohorts)]
    shop.rng.shuffle(elsewhere)
    for operation, day in zip((*kinds, feeds.raised_deposit), elsewhere[::2], strict=False):
        _do(shop, operation, day, planted)


def _plant_holes(shop: Workshop, cohorts: list[int], planted: Counter[str]) -> None:
    history = shop.history
    for day in cohorts[2:]:
        if _do(shop, holes.lake_gap, day, planted):
            break
    hourly = [run for run in history.runs if run.window == "hourly"]
    for run in hourly:
        if _do(shop, holes.lake_gap_late, run.cohort_from, planted):
            break
    for run in hourly[::-1]:
        if _do(shop, holes.duplicate_delivery, run.cohort_from, planted):
            break
    for day in cohorts[1:]:
        if _do(shop, holes.duplicate_delivery, history.start + day * DAY + DAY // 2, planted):
            break
    for run in hourly:
        if captures.double_posting_within(shop, run.cohort_from, run.cohort_to):
            planted["double_posting"] += 1


def _plant_money(shop: Workshop, cohorts: list[int], planted: Counter[str]) -> None:
    history = shop.history
    rounds = 1 + min(3, len(history.payments) // history.days // PER_COHORT)
    wishes = max(1, min(len(cohorts), len(history.payments) // 1_000))
    for turn, defect in enumerate(MONEY):
        for place in range(wishes * rounds):
            for step in range(len(cohorts)):
                if _do(shop, defect.operation, cohorts[(turn + place + step) % len(cohorts)], planted):
                    break
    for defect in MONEY:
        for _ in range(defect.per_100k * len(history.payments) // 100_000):
            _do(shop, defect.operation, shop.rng.randrange(1, history.days - 2), planted)


def _do(shop: Workshop, operation: Operation, where: int, planted: Counter[str]) -> bool:
    done = operation(shop, where)
    planted[operation.__name__] += done
    return done
