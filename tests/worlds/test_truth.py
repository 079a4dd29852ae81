"""The truth adds up: what is named, waits or is held is exactly the difference of the two books."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from recon.worlds.clock import DAY, HOUR, landing
from recon.worlds.model import History, Line, Movement
from recon.worlds.runs import daily, hourly
from recon.worlds.truth import CLASSES, truth_for, truths_of
from recon.worlds.truth_rows import RunTruth, key_of
from tests.worlds.conftest import history_with_truth


def _visible_moves(history: History, truth: RunTruth) -> list[Movement]:
    """Movements that the lake showed, told from the history alone."""
    run = truth.run
    lost = {
        (gap.hour, bucket)
        for gap in history.gaps
        for bucket in gap.buckets
        if gap.landed_at is None or gap.landed_at >= run.known_at
    }
    found = []
    for p in history.payments:
        for move in p.moves:
            hour = move.at - move.at % HOUR
            if move.at < run.as_of and landing(hour) < run.known_at and (hour, p.bucket) not in lost:
                found.append(move)
    return found


def _visible_lines(history: History, truth: RunTruth) -> list[Line]:
    """Lines of the files that count, told from the files alone."""
    newest = {}
    for file in sorted(history.files, key=lambda f: (f.status != "incomplete", f.received_at)):
        if file.role == "settlement" and file.status != "duplicate" and file.received_at < truth.run.known_at:
            newest[file.account.index, file.covers_from] = file
    return [line for file in newest.values() for line in file.lines if line.at < truth.run.as_of]


def _unexplained(history: History, truth: RunTruth) -> dict[tuple[str, str, str], int]:
    run = truth.run
    left: dict[tuple[str, str, str], int] = defaultdict(int)
    claimant = {id(line): move for move, line in truth.claims}
    everything = truth_for(history, replace(run, cohort_from=history.start, cohort_to=history.until))
    elsewhere = {id(line) for _, line in everything.claims} - set(claimant)
    for move in _visible_moves(history, truth):
        if run.cohort_from <= move.at < run.cohort_to:
            left[key_of(move)] += move.signed
    for line in _visible_lines(history, truth):
        own = run.cohort_from <= line.at < run.cohort_to and id(line) not in elsewhere
        if id(line) in claimant or own:
            left[key_of(line)] -= line.gross
    for row in truth.rows:
        if row.identity:
            left[row.gateway or "", row.account or "", row.currency or ""] -= row.identity
    for part in (truth.pending, truth.held):
        for key, amount in part.items():
            left[key] -= amount
    return {key: amount for key, amount in left.items() if amount}


@pytest.mark.parametrize(("seed", "payments", "days"), [(1, 5_000, 45), (2, 300, 40), (7, 1_500, 60)])
def test_the_movement_identity_holds_on_every_listed_run(seed: int, payments: int, days: int) -> None:
    history = history_with_truth(seed, payments, days)
    for truth in truths_of(history):
        assert _unexplained(history, truth) == {}


def test_it_holds_on_runs_that_no_world_lists(history: History) -> None:
    runs = [daily("T+7", history.start + day * DAY) for day in (0, 17, 26, 31)]
    runs += [daily("T+14", history.start + 12 * DAY), hourly(history.start + 20 * DAY + 9 * HOUR)]
    early = runs[1]
    runs.append(replace(early, known_at=early.as_of - 5 * DAY))
    for run in runs:
        truth = truth_for(history, run)
        assert _unexplained(history, truth) == {}


def test_cohorts_add_up(history: History) -> None:
    """Seven one-day cohorts at one instant say what one seven-day cohort says."""
    run = daily("T+14", history.start + 9 * DAY)
    week = truth_for(history, replace(run, cohort_to=run.cohort_from + 7 * DAY))
    days = [
        truth_for(history, replace(run, cohort_from=begins, cohort_to=begins + DAY))
        for begins in range(run.cohort_from, run.cohort_from + 7 * DAY, DAY)
    ]
    for part in ("pending", "held"):
        sums: Counter[tuple[str, str, str]] = Counter()
        for truth in days:
            sums.update(getattr(truth, part))
        whole = {key: amount for key, amount in getattr(week, part).items() if amount}
        assert whole == {key: amount for key, amount in sums.items() if amount}
    assert sum(len(truth.claims) for truth in days) == len(week.claims)
    assert sum(row.identity for truth in days for row in truth.rows) == sum(row.identity for row in week.rows)


def test_every_class_occurs(history: History) -> None:
    found = Counter(row.divergence for truth in truths_of(history) for row in truth.rows)
    assert set(found) == set(CLASSES)


def test_a_clean_day_has_no_row(history: History) -> None:
    """Payments that nothing was done to are claimed or wait; they are never a row, straddled midnights apart."""
    innocent = {p.id for p in history.payments if p.defect is None}
    for truth in truths_of(history):
        rows = [row for row in truth.rows if row.payment_id in innocent]
        assert {row.divergence for row in rows} <= {"missing_at_gateway", "suggested_match"}
        assert len(rows) <= 2


def test_a_late_file_waits_and_then_settles(history: History) -> None:
    late = next(
        f
        for f in history.files
        if f.role == "settlement"
        and f.received_at > f.covers_until + 9 * DAY
        and (f.status == "accepted" and not f.name.endswith("_complete.csv"))
    )
    day = (late.covers_until - history.start) // DAY - 1
    week, fortnight = (truth_for(history, daily(w, history.start + day * DAY)) for w in ("T+7", "T+14"))
    key = (late.account.gateway, late.account.name)
    assert any(r.divergence == "feed_late" and (r.gateway, r.account) == key for r in week.rows)
    assert not any(r.divergence == "feed_late" and (r.gateway, r.account) == key for r in fortnight.rows)
    assert any(name[:2] == key for name in week.pending)
    assert not any(name[:2] == key for name in fortnight.pending)
