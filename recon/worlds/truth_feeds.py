"""The truth about files, batches and the lake's objects."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from recon.worlds.clock import HOUR, due, landing, local_days, rfc
from recon.worlds.model import FeedFile, Payout
from recon.worlds.truth_rows import RunTruth, Truth
from recon.worlds.view import View


def decide_feeds(view: View, truth: RunTruth) -> None:
    """feed_late, feed_incomplete, feed_duplicate and feed_restated of the run."""
    run, history = view.run, view.index.history
    for account, expected in history.expectations():
        for _, begins, ends in local_days(account.zone, run.cohort_from, run.cohort_to):
            if (account.index, account.report, begins) not in view.holders and due(ends - 1, expected) <= run.as_of:
                truth.rows.append(_feed("feed_late", (account.gateway, account.name, account.report, begins), None))
    found: dict[tuple[str, tuple[str, str, str, int]], FeedFile] = {}
    for file in view.holders.values():
        if file.status == "incomplete":
            found["feed_incomplete", file.subject] = file
        if file.restates is not None:
            found["feed_restated", file.subject] = file
    for file in history.files:
        if file.status == "duplicate" and file.received_at < run.known_at:
            found["feed_duplicate", file.subject] = file
    for (divergence, subject), file in found.items():
        if _meets(view, file.covers_from, file.covers_until):
            truth.rows.append(_feed(divergence, subject, str(file.batch) if file.batch else None))


def decide_batches(view: View, truth: RunTruth) -> None:
    """payout_residual, payout_missing, negative_carry_over and batch_gap of the run."""
    whole = [f for f in view.settlement_files() if f.status == "accepted"]
    by_number = {(f.account.index, f.batch): f for f in whole}
    control = {
        (f.account.index, p.batch, p.currency): p
        for f in view.holders.values()
        if f.role == "control"
        for p in f.payouts
    }
    for file in whole:
        if not _meets(view, file.covers_from, file.covers_until):
            continue
        for payout in file.payouts:
            told = control.get((file.account.index, payout.batch, payout.currency))
            truth.rows += _payout_rows(view, payout, told)
            target = by_number.get((file.account.index, payout.carry_out_to)) if payout.carry_out_to else None
            if target and not any(
                p.carry_in_from == file.batch and p.currency == payout.currency for p in target.payouts
            ):
                truth.rows.append(_batch("negative_carry_over", payout, payout.carry_out))
    _batch_gaps(view, truth)


def decide_lake(view: View, truth: RunTruth) -> None:
    """lake_gap and duplicate_delivery of the run."""
    for gap in view.gaps:
        if view.in_cohort(gap.hour) and gap.hour + HOUR + 12 * 60_000 < view.run.known_at:
            short: dict[tuple[str, str], int] = defaultdict(int)
            for posting in view.index.withheld[gap]:
                short[posting.step, posting.currency] += posting.debit
            truth.rows += [
                Truth(
                    "lake_gap", f"hour:ledger_entries:{rfc(gap.hour)}:{step}:{currency}", None, None, currency, diff, 0
                )
                for (step, currency), diff in sorted(short.items())
            ]
    for hour in view.index.history.doubled_hours:
        if view.in_cohort(hour) and landing(hour) + 4 * 60_000 < view.run.known_at:
            truth.rows.append(Truth("duplicate_delivery", f"hour:ledger_entries:{rfc(hour)}::", None, None, None, 0, 0))


def _payout_rows(view: View, payout: Payout, told: Payout | None) -> list[Truth]:
    """What the control report (else the printed payout) says against what the lines add up to."""
    owed = payout.net + payout.carry_in - payout.carry_out
    printed = None if payout.account.layout == "activity" else payout.paid
    if told is None:
        return []
    paid = printed if told.told is None else told.told
    if paid is not None:
        return [_batch("payout_residual", payout, owed - paid)] if owed != paid else []
    late = payout.effective_at + payout.account.expected.grace_hours * HOUR
    return [_batch("payout_missing", payout, owed)] if owed > 0 and late <= view.run.as_of else []


def _batch_gaps(view: View, truth: RunTruth) -> None:
    numbered: dict[int, list[FeedFile]] = defaultdict(list)
    for file in view.settlement_files():
        if file.batch is not None:
            numbered[file.account.index].append(file)
    for files in numbered.values():
        ordered = sorted(files, key=lambda f: f.batch or 0)
        for before, after in pairwise(ordered):
            if before.covers_until < after.covers_from or not view.in_cohort(before.covers_until):
                continue
            for number in range((before.batch or 0) + 1, after.batch or 0):
                account = before.account
                truth.rows.append(
                    Truth(
                        "batch_gap",
                        f"batch:{account.gateway}:{account.name}:{number}:",
                        account.gateway,
                        account.name,
                        None,
                        0,
                        0,
                        batch_id=str(number),
                    )
                )


def _meets(view: View, begins: int, ends: int) -> bool:
    return begins < view.run.cohort_to and view.run.cohort_from < ends


def _feed(divergence: str, subject: tuple[str, str, str, int], batch_id: str | None) -> Truth:
    gateway, account, report, begins = subject
    return Truth(
        divergence, f"feed:{gateway}:{account}:{report}:{rfc(begins)}", gateway, account, None, 0, 0, batch_id=batch_id
    )


def _batch(divergence: str, payout: Payout, diff: int) -> Truth:
    account = payout.account
    return Truth(
        divergence,
        f"batch:{account.gateway}:{account.name}:{payout.batch}:{payout.currency}",
        account.gateway,
        account.name,
        payout.currency,
        diff,
        0,
        batch_id=payout.batch,
    )
