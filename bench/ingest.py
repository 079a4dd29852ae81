"""Ingest with all its controls against DuckDB's own all-varchar copy of the same CSV to Parquet."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

from bench.ratio import Ratio, alternate
from recon.feeds.ingest import ingest
from recon.feeds.options import ReadOptions

BAR = 3.0
_LINES, _LINES_SMALL = 1_000_000, 20_000
_START = datetime(2026, 1, 30, tzinfo=UTC)
_DAYS = 3

_STRIPE = (
    "automatic_payout_id,automatic_payout_effective_at,balance_transaction_id,created_utc,created,available_on_utc,"
    "available_on,currency,gross,fee,net,reporting_category,source_id,description,customer_facing_amount,"
    "customer_facing_currency,automatic_payout_effective_at_utc,charge_id,payment_intent_id,payment_method_type,"
    "card_brand,card_funding,card_country,payment_metadata[payment_id]"
).split(",")
_ADYEN = (
    "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,"
    "Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,"
    "Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),"
    "Payment Method Variant,Modification Merchant Reference,Batch Number,"
    "Reserved4,Reserved5,Reserved6,Reserved7,Reserved8,Reserved9,Reserved10"
).split(",")


def measure(scratch: Path, *, small: bool) -> Iterator[Ratio]:
    """Two figures: a Stripe payout reconciliation and an Adyen settlement details file of a million lines each."""
    lines = _LINES_SMALL if small else _LINES
    makers: tuple[tuple[str, Callable[[Path, int], None]], ...] = (("Stripe", stripe_file), ("Adyen", adyen_file))
    for name, make in makers:
        path = scratch / f"{name.lower()}.csv"
        make(path, lines)
        ours, copied = alternate(partial(_ingest, path, lines), partial(_copy, path))
        size = path.stat().st_size
        yield Ratio(f"ingest of a {name} CSV", ours, copied, BAR, facts={"lines": lines, "bytes": size})
        path.unlink()


def stripe_file(path: Path, lines: int) -> None:
    """A payout reconciliation file of `lines` charges over three days, paid out in seven payouts."""
    rng = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_STRIPE)
        for number in range(lines):
            gross, at = rng.randrange(100, 50_000), _time(number, lines)
            fee = gross * 29 // 1000 + 30
            writer.writerow([
                f"po_{number % 7:024d}", "2026-02-03 00:00:00", f"txn_{number:024d}", at, at, "2026-02-02 00:00:00",
                "2026-02-02 00:00:00", "usd", _major(gross), _major(fee), _major(gross - fee), "charge",
                f"ch_{number:024d}", f"Order {number}", _major(gross), "usd", "2026-02-03 00:00:00",
                f"ch_{number:024d}", f"pi_{number:024d}", "card", "visa", "credit", "US", 7 * 10**17 + number,
            ])  # fmt: skip


def adyen_file(path: Path, lines: int) -> None:
    """A settlement details file of one batch: `lines` rows over three days, the last one the payout of all others."""
    rng, paid = random.Random(2), 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_ADYEN)
        for number in range(lines - 1):
            gross = rng.randrange(100, 50_000)
            markup, scheme, interchange = gross // 100, gross // 200, gross // 300
            net = gross - markup - scheme - interchange
            paid += net
            writer.writerow([
                "CompanyNL", "SHOP_EU", f"{number:016d}", 7 * 10**17 + number, "mc", _time(number, lines), "CET",
                "Settled", f"{number + 10**12:016d}", "EUR", "", _major(gross), 1, "EUR", "", _major(net), "",
                _major(markup), _major(scheme), _major(interchange), "mcstandardcredit", "<auto>", 380, *[""] * 7,
            ])  # fmt: skip
        writer.writerow([
            "CompanyNL", "SHOP_EU", "", "", "", "2026-02-02 00:46:38", "CET", "MerchantPayout",
            "TX635094301XT batch 380, SHOP_EU", *[""] * 4, "EUR", _major(paid), *[""] * 7, 380, *[""] * 7,
        ])  # fmt: skip


def _ingest(path: Path, lines: int) -> None:
    lake = path.parent / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    (outcome,) = ingest([path], lake, ReadOptions(gateway_account="bench"), lambda: datetime.now(UTC))
    assert (outcome.status, outcome.row["rows"]) == ("accepted", lines), outcome


def _copy(path: Path) -> None:
    with duckdb.connect() as con:
        target = path.with_suffix(".parquet")
        con.execute(f"COPY (FROM read_csv('{path}', all_varchar=true)) TO '{target}' (FORMAT parquet)")


def _time(number: int, lines: int) -> str:
    return (_START + timedelta(seconds=number * 86_400 * _DAYS // lines)).strftime("%Y-%m-%d %H:%M:%S")


def _major(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
