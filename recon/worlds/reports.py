"""Reports beside the settlement files: totals of payouts and batches, and changes of state."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, timedelta

from recon.worlds.clock import DAY, HOUR, SECOND, local_date
from recon.worlds.frame import Account
from recon.worlds.model import FeedFile, History, Payment


def control_files(account: Account, report: str, files: list[FeedFile], rng: random.Random) -> list[FeedFile]:
    """One control report a day: Stripe's payouts of the day after, Adyen's totals of some batches."""
    made = []
    seen: set[int] = set()
    for turn, file in enumerate(files):
        if file.covers_from in seen or file.status != "accepted":
            continue
        seen.add(file.covers_from)
        received = (file.covers_until + 30 * HOUR + rng.randrange(3 * HOUR)) // SECOND * SECOND
        if account.gateway == "stripe":
            begins, ends = file.covers_until, file.covers_until + DAY
            name = f"{account.name}_Itemised_payouts_{(file.day + timedelta(days=1)).isoformat()}_UTC.csv"
        elif turn % 3 == 0:
            begins, ends = file.covers_from, file.covers_until
            name = f"{account.name}_aggregate_settlement_details_report_batch_{file.batch}.csv"
        else:
            continue
        if any(p.told is not None for p in file.payouts):
            made.append(
                FeedFile(
                    account,
                    report,
                    "control",
                    name,
                    file.day,
                    begins,
                    ends,
                    received,
                    file.batch,
                    [],
                    [],
                    file.payouts,
                )
            )
    return made


def status_files(
    history: History, account: Account, report: str, files: list[FeedFile], rng: random.Random
) -> list[FeedFile]:
    """Adyen's accounting report of every local day: what was authorised, and what the batch of the day settled."""
    authorised: dict[date, list[Payment]] = defaultdict(list)
    for p in history.payments:
        if p.account is account and p.path not in ("declined", "rejected"):
            authorised[local_date(p.authorized_at, account.zone)].append(p)
    made = []
    for file in (f for f in files if f.status != "duplicate" and f.restates is None):
        mine = sorted(authorised.pop(file.day, []), key=lambda p: p.authorized_at)
        if not mine:
            continue
        received = (file.covers_until + 3 * HOUR + rng.randrange(2 * HOUR)) // SECOND * SECOND
        name = f"{account.name}_payments_accounting_report_{file.day:%Y_%m_%d}.csv"
        made.append(
            FeedFile(
                account,
                report,
                "status",
                name,
                file.day,
                file.covers_from,
                file.covers_until,
                received,
                None,
                file.lines,
                [],
                [],
                authorised=mine,
            )
        )
    return made
