"""Batches and payouts: does what a gateway closed equal what it paid out and carried over?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from recon.match.due import Expectation
from recon.match.feed_book import REPORT_RANK, FeedBook, FeedFile, Interval, holds, intersects, merged
from recon.match.finding import Finding, money, utc
from recon.match.request import Request

_NOT_PAID = ("failed", "canceled")


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch and currency as all known files together tell it. Amounts are minor units of `currency`."""

    gateway: str
    gateway_account: str
    batch_id: str
    seq: int | None
    currency: str
    net_minor: int
    carry_in_minor: int
    carry_out_minor: int
    carry_out_to: str | None
    payout_minor: int | None
    """Paid out; None where no report says."""
    payout_status: str | None
    closed_at: datetime | None
    covers: Interval | None
    is_whole: bool
    """All files that hold its lines are accepted, and leave no hole between them."""
    is_printed: bool
    """Its payout stands among its own lines, so that it adds up or it does not, whatever else the file lacks."""
    first_seen_at: datetime
    names: tuple[str, ...]

    @property
    def residual_minor(self) -> int | None:
        """Net + carried in − carried out − paid out; None where paid out is not told."""
        if self.payout_minor is None:
            return None
        return self.net_minor + self.carry_in_minor - self.carry_out_minor - self.payout_minor

    @property
    def subject(self) -> str:
        """Subject of this batch's divergences."""
        return f"batch:{self.gateway}:{self.gateway_account}:{self.batch_id}:{self.currency}"


def batches(rows: Sequence[Mapping[str, Any]], book: FeedBook) -> list[Batch]:
    """Batches that some settlement file holds lines of, from rows of the batches table."""
    files = {f.file_id: f for f in book.current}
    groups: dict[tuple[str, str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["file_id"] in files:
            groups[row["gateway"], row["gateway_account"], row["batch_id"], row["currency"]].append(row)
    found = (_batch(key, of, files) for key, of in sorted(groups.items()))
    return [batch for batch in found if batch]


def _batch(
    key: tuple[str, str, str, str], rows: Sequence[Mapping[str, Any]], files: Mapping[str, FeedFile]
) -> Batch | None:
    told = [row for row in rows if row["role"] == "settlement" and _net(row) is not None]
    if not told:
        return None
    best = min(told, key=lambda row: REPORT_RANK.get(row["report_type"], 9))["report_type"]
    lines = [row for row in told if row["report_type"] == best]
    control = [row for row in rows if row["role"] == "control" and files[row["file_id"]].status == "accepted"]
    paid = [row for row in control if row["payout_minor"] is not None and row["payout_status"] not in _NOT_PAID]
    printed = [row["payout_minor"] for row in lines if row["payout_minor"] is not None]
    holding = [files[row["file_id"]] for row in lines]
    covers = merged([f.covers for f in holding if f.covers])
    closed = [row["closed_at"] for row in (*control, *lines) if row["closed_at"]]
    payout = paid[-1]["payout_minor"] if paid else (sum(printed) if printed else None)
    return Batch(
        gateway=key[0],
        gateway_account=key[1],
        batch_id=key[2],
        currency=key[3],
        seq=lines[0]["batch_seq"],
        net_minor=sum(_net(row) or 0 for row in lines),
        carry_in_minor=sum(row["carry_in_minor"] or 0 for row in lines),
        carry_out_minor=sum(row["carry_out_minor"] or 0 for row in lines),
        carry_out_to=next((row["carry_out_to"] for row in lines if row["carry_out_to"]), None),
        payout_minor=payout,
        payout_status=control[-1]["payout_status"] if control else None,
        closed_at=closed[0].replace(tzinfo=UTC) if closed else None,
        covers=(covers[0][0], covers[-1][1]) if covers else None,
        is_whole=len(covers) <= 1 and all(f.status == "accepted" for f in holding),
        is_printed=bool(printed) and len(holding) == 1,
        first_seen_at=max(f.received_at for f in holding),
        names=tuple(sorted(f.name for f in holding)),
    )


def _net(row: Mapping[str, Any]) -> int | None:
    """Net of a batch's lines; None for a payout without any, whose members the gateway does not tell.

    A numbered batch without lines is a quiet one: it may still carry a balance on.
    """
    net: int | None = row["net_minor"]
    return 0 if net is None and row["batch_seq"] is not None else net


def batch_findings(
    request: Request, found: Sequence[Batch], book: FeedBook, expected: Sequence[Expectation]
) -> list[Finding]:
    """Batch rows whose coverage intersects the cohort."""
    cohort = (request.cohort_from, request.cohort_to)
    rows = [row for batch in found if batch.is_whole or batch.is_printed for row in _residual(batch)]
    rows += [row for batch in found if batch.is_whole for row in _unpaid(batch, request, book, expected)]
    rows += _carried_nowhere(found, book)
    spans = {batch.subject: batch.covers for batch in found}
    kept = [row for row in rows if (span := spans[row.subject]) and intersects(span, cohort)]
    return [*kept, *gaps(found, book, cohort)]


def _residual(batch: Batch) -> Iterator[Finding]:
    residual = batch.residual_minor
    if residual:
        yield _finding(
            "payout_residual",
            batch,
            residual,
            f"Lines of batch {batch.batch_id} add up to {money(batch.net_minor, batch.currency)}"
            f"{_carried(batch)}; paid out is {money(batch.payout_minor or 0, batch.currency)}: "
            f"{money(residual, batch.currency)} has no line.",
        )


def _unpaid(batch: Batch, request: Request, book: FeedBook, expected: Sequence[Expectation]) -> Iterator[Finding]:
    owed = batch.net_minor + batch.carry_in_minor - batch.carry_out_minor
    if batch.payout_minor is None and owed > 0 and (due := _payout_due(batch, book, expected)) and due <= request.as_of:
        status = f"its payout is {batch.payout_status}" if batch.payout_status else "no report has its payout"
        yield _finding(
            "payout_missing",
            batch,
            owed,
            f"Batch {batch.batch_id} closed with {money(owed, batch.currency)} to be paid by {utc(due)}; {status}.",
        )


def _payout_due(batch: Batch, book: FeedBook, expected: Sequence[Expectation]) -> datetime | None:
    """When the payout should have been reported; None where no report of payouts covers the day."""
    if batch.closed_at is None:
        return None
    account = (batch.gateway, batch.gateway_account)
    reports = [f for f in book.current if f.account == account and f.role == "control" and f.covers]
    covered = merged([f.covers for f in reports if f.covers])
    if batch.payout_status not in _NOT_PAID and not holds(covered, (batch.closed_at, batch.closed_at)):
        return None
    grace = [e.grace for e in expected if (e.gateway, e.gateway_account) == account]
    return batch.closed_at + (max(grace) if grace else batch.closed_at - batch.closed_at)


def _carried_nowhere(found: Sequence[Batch], book: FeedBook) -> Iterator[Finding]:
    """A negative balance that a known later batch should have taken over and did not, not even in its currency."""
    taken = {(b.gateway, b.gateway_account, b.batch_id, b.currency): b.carry_in_minor for b in found}
    whole: dict[tuple[str, str, str], bool] = {}
    for file in book.current:
        if file.role == "settlement" and file.batch_id:
            whole[(*file.account, file.batch_id)] = file.status == "accepted"
    for batch in found:
        place = (batch.gateway, batch.gateway_account, batch.batch_id)
        whole[place] = whole.get(place, True) and batch.is_whole
    for batch in found:
        if batch.carry_out_minor >= 0 or batch.carry_out_to is None or not batch.is_whole:
            continue
        target = (batch.gateway, batch.gateway_account, batch.carry_out_to)
        taken_in = taken.get((*target, batch.currency), 0)
        if whole.get(target) and taken_in != batch.carry_out_minor:
            yield _finding(
                "negative_carry_over",
                batch,
                batch.carry_out_minor,
                f"Batch {batch.batch_id} carried {money(batch.carry_out_minor, batch.currency)} to batch "
                f"{batch.carry_out_to}, which took in {money(taken_in, batch.currency)}.",
            )


def gaps(found: Sequence[Batch], book: FeedBook, cohort: Interval) -> Iterator[Finding]:
    """Numbers missing between batches whose files leave no hole in time, where that instant is in `cohort`: a hole
    would be a late feed."""
    spans: dict[tuple[str, str], dict[int, tuple[Interval | None, datetime, str]]] = defaultdict(dict)
    for file in book.current:
        if file.role == "settlement" and file.gateway == "adyen" and (file.batch_id or "").isdigit():
            spans[file.account][int(file.batch_id or "0")] = (file.covers, file.received_at, file.name)
    for batch in found:
        if batch.seq is not None:
            known = spans[batch.gateway, batch.gateway_account]
            known.setdefault(batch.seq, (batch.covers, batch.first_seen_at, ", ".join(batch.names)))
    for account, of in sorted(spans.items()):
        numbers = sorted(of)
        for before, after in pairwise(numbers):
            (left, _, left_name), (right, seen_at, right_name) = of[before], of[after]
            if left is None or right is None or left[1] < right[0]:
                continue
            if not intersects((left[1], right[0]) if left[1] < right[0] else (left[1], left[1]), cohort):
                continue
            for number in range(before + 1, after):
                yield Finding(
                    divergence="batch_gap",
                    subject=f"batch:{account[0]}:{account[1]}:{number}:",
                    gateway=account[0],
                    gateway_account=account[1],
                    currency=None,
                    batch_id=str(number),
                    first_seen_at=seen_at,
                    reason=f"Batches {before} and {after} are here and follow each other without a hole in time; "
                    f"batch {number} is not.",
                    evidence={"before": left_name, "after": right_name},
                )


def _finding(divergence: str, batch: Batch, diff_minor: int, reason: str) -> Finding:
    return Finding(
        divergence=divergence,
        subject=batch.subject,
        gateway=batch.gateway,
        gateway_account=batch.gateway_account,
        currency=batch.currency,
        diff_minor=diff_minor,
        batch_id=batch.batch_id,
        reason=reason,
        gateway_minor=batch.payout_minor,
        first_seen_at=batch.first_seen_at,
        evidence={"files": list(batch.names)},
    )


def _carried(batch: Batch) -> str:
    parts = []
    if batch.carry_in_minor:
        parts.append(f"{money(batch.carry_in_minor, batch.currency)} carried in")
    if batch.carry_out_minor:
        parts.append(f"{money(batch.carry_out_minor, batch.currency)} carried out")
    return f" ({', '.join(parts)})" if parts else ""
