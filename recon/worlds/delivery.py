"""How lines become files: one file a local day and account, batches that carry balances, payouts, arrival times."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, timedelta

from recon.worlds.clock import DAY, HOUR, MINUTE, SECOND, local_days
from recon.worlds.frame import ACCOUNTS, Account
from recon.worlds.lines import token
from recon.worlds.model import BatchRow, FeedFile, History, Line, Payout
from recon.worlds.plan import Plan
from recon.worlds.reports import control_files, status_files
from recon.worlds.writers.money import local_time

_TRAILING_DAYS = 2
"""Days after the last event that still get a file, for lines written just after midnight."""


def deliver(history: History, plan: Plan) -> None:
    """Fill history.files with every delivery of every report, in order of account and time."""
    for account in ACCOUNTS:
        rng = random.Random(f"{history.seed}:delivery:{account.name}")
        files = _settlement_files(history, account, rng, plan)
        history.files += files
        if account.control:
            history.files += control_files(account, account.control, files, rng)
        if account.status:
            history.files += status_files(history, account, account.status, files, rng)


def number_natives(file: FeedFile) -> None:
    """Give every line its file, and the key that its row has: Stripe's own, at Adyen built from the row as printed."""
    seen: dict[str, int] = defaultdict(int)
    for line in file.lines:
        line.files.append(file)
        if file.account.gateway == "stripe":
            line.native_id = f"txn_{line.token}"
            continue
        printed = local_time(line.at, file.account.zone)[0]
        references = f"{line.gateway_ref}:{line.operation_ref}"
        stem = f"{file.batch}:{line.raw_type}:{references}:{printed}:{line.net}:{line.settled_currency}"
        seen[stem] += 1
        line.native_id = f"{stem}:{seen[stem]}"


def _settlement_files(history: History, account: Account, rng: random.Random, plan: Plan) -> list[FeedFile]:
    by_day = _lines_by_day(history, account)
    files = []
    carried: dict[str, tuple[int, int]] = {}
    number = account.first_batch
    for turn, (day, begins, ends) in enumerate(
        local_days(account.zone, history.start, history.until + _TRAILING_DAYS * DAY)
    ):
        number += 1 + plan.skips_number(account, turn)
        lines = sorted(by_day.get(begins, []), key=lambda line: line.at)
        file = _blank(account, day, begins, ends, number, rng)
        file.lines = lines
        if account.gateway == "stripe":
            _pay_stripe(file, rng)
        else:
            _pay_adyen(
                file,
                carried,
                rng,
                number + 1 + plan.skips_number(account, turn + 1),
                forgets=plan.forgets_carry(account, turn),
                draws=plan.draws_deposit(account, turn),
            )
        number_natives(file)
        files.append(file)
    return plan.redeliver(account, files, rng)


def _lines_by_day(history: History, account: Account) -> dict[int, list[Line]]:
    bounds = [
        (begins, ends)
        for _, begins, ends in local_days(account.zone, history.start, history.until + _TRAILING_DAYS * DAY)
    ]
    found: dict[int, list[Line]] = defaultdict(list)
    for payment in history.payments:
        if payment.account is account:
            for line in payment.lines:
                turn = (line.at - bounds[0][0]) // DAY
                while not bounds[turn][0] <= line.at < bounds[turn][1]:
                    turn += 1 if line.at >= bounds[turn][1] else -1
                found[bounds[turn][0]].append(line)
    return found


def _blank(account: Account, day: date, begins: int, ends: int, number: int, rng: random.Random) -> FeedFile:
    if account.gateway == "stripe":
        received, batch = ends + 5 * HOUR + rng.randrange(4 * HOUR), None
        name = f"{account.name}_{account.report}_{day.isoformat()}_to_{(day + timedelta(days=1)).isoformat()}_UTC.csv"
    else:
        received, batch = ends + 2 * HOUR + rng.randrange(2 * HOUR), number
        name = f"{account.name}_settlement_detail_report_batch_{number}.csv"
    return FeedFile(
        account, account.report, "settlement", name, day, begins, ends, received // SECOND * SECOND, batch, [], [], []
    )


def _pay_stripe(file: FeedFile, rng: random.Random) -> None:
    """A fee row, then per currency a payout the day after, or a top-up where the day's balance is not positive."""
    account, ends = file.account, file.covers_until
    first = account.settles[0]
    file.batch_rows.append(
        BatchRow(
            "fee",
            "fee",
            f"Radar ({file.day.isoformat()}): Standard",
            first,
            -7 - len(file.lines) * 5,
            ends - 30 * MINUTE,
            token(rng, "stripe"),
        )
    )
    for currency in account.settles:
        rows = [r for r in file.batch_rows if r.currency == currency]
        net = sum(line.net for line in file.lines if line.settled_currency == currency) + sum(r.net for r in rows)
        if net > 0:
            payout = f"po_{token(rng, 'stripe')}"
            for row in rows:
                row.payout = payout
            file.payouts.append(
                Payout(account, payout, currency, net, 0, 0, net, ends + 30 * MINUTE, net, txn=token(rng, "stripe"))
            )
            if account.layout != "activity":
                file.batch_rows.append(
                    BatchRow(
                        "payout",
                        "payout",
                        "STRIPE PAYOUT",
                        currency,
                        -net,
                        ends + 30 * MINUTE,
                        file.payouts[-1].txn,
                        payout=payout,
                    )
                )
        elif net < 0:
            file.batch_rows.append(
                BatchRow(
                    "transfer",
                    "topup",
                    "Top-up of a negative balance",
                    currency,
                    -net,
                    ends - 20 * MINUTE,
                    token(rng, "stripe"),
                )
            )


def _pay_adyen(
    file: FeedFile,
    carried: dict[str, tuple[int, int]],
    rng: random.Random,
    following: int,
    *,
    forgets: bool,
    draws: bool,
) -> None:
    """Carried balances in, the day's fee, then per currency a payout, or the negative balance carried on.

    `following` is the number of the next batch. `forgets`: what earlier batches carried out is not taken in.
    `draws`: the gateway raises its deposit by more than the day brought.
    """
    account, batch, closed = file.account, file.batch or 0, file.covers_until + 46 * MINUTE + 38 * SECOND
    home = account.settles[0]
    fee = _day_fee(file, closed)
    for currency in account.settles:
        came = carried.pop(currency, None)
        came = None if forgets else came
        net = sum(line.net for line in file.lines if line.settled_currency == currency)
        if currency == home:
            net += fee.net
            if draws:
                taken = BatchRow(
                    "reserve", "DepositCorrection", "Deposit Correction", home, -max(net, 0) - 4_310, closed
                )
                file.batch_rows.append(taken)
                net += taken.net
        carry_in = came[1] if came else 0
        if came:
            file.batch_rows.append(
                BatchRow(
                    "balance_transfer",
                    "Balancetransfer",
                    f"Balancetransfer from batch {came[0]}",
                    currency,
                    carry_in,
                    file.covers_from + 24 * MINUTE,
                    other_batch=came[0],
                )
            )
        balance = net + carry_in
        if balance or came or net:
            file.payouts.append(
                Payout(
                    account,
                    str(batch),
                    currency,
                    net,
                    carry_in,
                    min(balance, 0),
                    max(balance, 0),
                    closed,
                    max(balance, 0),
                    carry_out_to=following if balance < 0 else None,
                    carry_in_from=came[0] if came else None,
                )
            )
        if balance < 0:
            carried[currency] = (batch, balance)
    file.batch_rows.append(fee)
    _leave_adyen(file, rng, batch, following, closed)


def _day_fee(file: FeedFile, closed: int) -> BatchRow:
    """The processing fees of the day in one row, in the account's home currency."""
    text = f"Transaction Fees {file.day:%B}     {file.day:%d} {file.day:%Y}"
    return BatchRow("fee", "Fee", text, file.account.settles[0], -10 - 8 * len(file.lines), closed)


def _leave_adyen(file: FeedFile, rng: random.Random, batch: int, following: int, closed: int) -> None:
    """What leaves the batch: to the bank, or as a negative balance to the next one."""
    for payout in file.payouts:
        if payout.paid:
            text = f"TX{rng.randrange(10**9):09d}XT batch {batch}, {file.account.name}"
            file.batch_rows.append(BatchRow("payout", "MerchantPayout", text, payout.currency, -payout.paid, closed))
        elif payout.carry_out:
            file.batch_rows.append(
                BatchRow(
                    "balance_transfer",
                    "Balancetransfer",
                    f"Balancetransfer to batch {following}",
                    payout.currency,
                    -payout.carry_out,
                    closed,
                    other_batch=following,
                )
            )
