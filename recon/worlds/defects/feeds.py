"""Defects of deliveries: files that come late, twice, changed or cut; batches that skip, forget or pay wrongly.

Each plans one account's day; what it does happens while the files are made.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

from recon.worlds.clock import DAY, HOUR, SECOND
from recon.worlds.delivery import number_natives
from recon.worlds.frame import STEP
from recon.worlds.lines import restated
from recon.worlds.model import FeedFile, Line
from recon.worlds.plan import Change
from recon.worlds.workshop import Workshop, part_of

_BY_STRIPE, _BY_ADYEN, _UNCONTROLLED = (0, 1), (2, 3), (0, 2)
_ACTIVITY, _WIDE = 1, 3


def feed_late(shop: Workshop, day: int) -> bool:
    """The day's file comes nine days or more after its day."""
    return _planned(shop, day, (*_BY_STRIPE, *_BY_ADYEN), _delay)


def feed_duplicate(shop: Workshop, day: int) -> bool:
    """The same bytes once more under another name."""
    return _planned(shop, day, (*_BY_STRIPE, *_BY_ADYEN), _repeat)


def feed_reordered(shop: Workshop, day: int) -> bool:
    """The same batch once more under another name, rows in another order."""
    return _planned(shop, day, _BY_ADYEN, _reorder)


def feed_restated(shop: Workshop, day: int) -> bool:
    """A second delivery of the day in which one sale has another amount."""
    return _planned(shop, day, _UNCONTROLLED, _restate)


def feed_incomplete(shop: Workshop, day: int) -> bool:
    """The file is cut, and never comes whole."""
    return _planned(shop, day, _BY_ADYEN, _cut)


def feed_cut_then_whole(shop: Workshop, day: int) -> bool:
    """The file is cut, and comes whole nine days later."""
    return _planned(shop, day, _BY_ADYEN, _cut_then_whole)


def payout_residual(shop: Workshop, day: int) -> bool:
    """The control report tells another payout than the lines add up to."""
    return _planned(shop, day, (_ACTIVITY, *((_WIDE,) if day % 3 == 0 else ())), _mispay)


def payout_missing(shop: Workshop, day: int) -> bool:
    """The payout of a closed day never left."""
    return _planned(shop, day, (_ACTIVITY,), _unpay)


def batch_gap(shop: Workshop, day: int) -> bool:
    """The gateway skips a batch number; the batches before and after leave no hole in time."""
    for account, turn in shop.open_turns(day + 1, _BY_ADYEN):
        shop.plan.skipped.add((account.index, turn))
        return True
    return False


def negative_carry_over(shop: Workshop, day: int) -> bool:
    """A raised deposit turns the batch negative, and the next batch does not take the balance in."""
    for account, turn in shop.open_turns(day, _BY_ADYEN):
        if not shop.plan.taken(account, turn + 2):
            shop.plan.drawn.add((account.index, turn))
            shop.plan.forgotten.add((account.index, turn + 1))
            return True
    return False


def raised_deposit(shop: Workshop, day: int) -> bool:
    """A raised deposit turns the batch negative, and the next batch takes the balance in: no defect."""
    for account, turn in shop.open_turns(day, _BY_ADYEN):
        shop.plan.drawn.add((account.index, turn))
        return True
    return False


def effect_of(change: Change) -> str:
    """The name in world.json of the defect whose work `change` is."""
    return _NAMES[change]


def _planned(shop: Workshop, day: int, accounts: Iterable[int], change: Change) -> bool:
    for account, turn in shop.open_turns(day, accounts):
        shop.plan.changes[account.index, turn] = change
        return True
    return False


def _delay(files: list[FeedFile], file: FeedFile, rng: random.Random) -> bool:
    file.received_at = file.covers_until + 9 * DAY + rng.randrange(2 * DAY) // SECOND * SECOND
    return True


def _repeat(files: list[FeedFile], file: FeedFile, rng: random.Random) -> bool:
    files.append(_again(file, "again", file.received_at + DAY, status="duplicate", repeats=file))
    return True


def _reorder(files: list[FeedFile], file: FeedFile, rng: random.Random) -> bool:
    files.append(
        _again(file, file.day.isoformat(), file.received_at + DAY, status="duplicate", repeats=file, reordered=True)
    )
    return True


def _restate(files: list[FeedFile], file: FeedFile, rng: random.Random) -> bool:
    """A copy of the file with one untouched sale changed, and its payout with it."""
    owed = {p.currency: p.paid for p in file.payouts}
    wanted = [line for line in file.lines if _plain(line) and owed.get(line.settled_currency, 0) > line.gross]
    if not wanted:
        return False
    old = rng.choice(wanted)
    new = replace(old, files=[])
    restated(new, old.gross - part_of(old.gross, STEP.get(old.currency, 1), 10))
    old.payment.defect = "feed_restated"
    if old.movement:
        old.movement.lines.append(new)
    old.payment.lines.append(new)
    change, currency = new.net - old.net, old.settled_currency
    again = _again(file, "restated", file.received_at + 2 * DAY, restates=file)
    again.lines = [new if line is old else line for line in file.lines]
    again.payouts = [
        replace(p, net=p.net + change, paid=p.paid + change, told=p.paid + change) if p.currency == currency else p
        for p in file.payouts
    ]
    again.batch_rows = [
        replace(r, net=r.net - change) if r.kind == "payout" and r.currency == currency else r for r in file.batch_rows
    ]
    number_natives(again)
    files.append(again)
    return True


def _cut(files: list[FeedFile], file: FeedFile, rng: random.Random) -> bool:
    """The file loses its last lines and the closing rows. A file without lines is left alone."""
    if not file.lines:
        return False
    for line in file.lines[_kept(file) :]:
        line.files.remove(file)
    file.lines = file.lines[: _kept(file)]
    file.batch_rows = [r for r in file.batch_rows if r.at < file.covers_until]
    file.payouts = []
    file.status = "incomplete"
    return True


def _cut_then_whole(files: list[FeedFile], file: FeedFile, rng: random.Random) -> bool:
    if not file.lines:
        return False
    whole = _again(file, "complete", file.received_at + 9 * DAY + 3 * HOUR)
    number_natives(whole)
    _cut(files, file, rng)
    files.append(whole)
    return True


def _mispay(files: list[FeedFile], file: FeedFile, rng: random.Random) -> bool:
    payout = max(file.payouts, key=lambda p: p.paid, default=None)
    if payout is None or payout.paid <= 100:
        return False
    payout.told = payout.paid - 10 * rng.randrange(1, 9)
    return True


def _unpay(files: list[FeedFile], file: FeedFile, rng: random.Random) -> bool:
    if len(file.payouts) < 2:
        return False
    min(file.payouts, key=lambda p: p.paid).told = None
    return True


def _again(
    file: FeedFile,
    word: str,
    received_at: int,
    *,
    status: str = "accepted",
    repeats: FeedFile | None = None,
    restates: FeedFile | None = None,
    reordered: bool = False,
) -> FeedFile:
    stem, _, ending = file.name.rpartition(".")
    return replace(
        file,
        name=f"{stem}_{word}.{ending}",
        received_at=received_at,
        lines=list(file.lines),
        batch_rows=list(file.batch_rows),
        payouts=list(file.payouts),
        status=status,
        repeats=repeats,
        restates=restates,
        reordered=reordered,
    )


def _plain(line: Line) -> bool:
    p = line.payment
    return (
        p.defect is None
        and line.kind == "charge"
        and len(p.lines) == 1
        and len(p.moves) == 1
        and line.currency == line.settled_currency
        and line.gross > 50 * STEP.get(line.currency, 1)
    )


def _kept(file: FeedFile) -> int:
    return max(1, len(file.lines) * 6 // 10)


_NAMES: dict[Change, str] = {
    _delay: "feed_late",
    _repeat: "feed_duplicate",
    _reorder: "feed_reordered",
    _restate: "feed_restated",
    _cut: "feed_incomplete",
    _cut_then_whole: "feed_cut_then_whole",
    _mispay: "payout_residual",
    _unpay: "payout_missing",
}
