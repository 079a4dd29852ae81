"""Adyen's settlement details: signs, fees, rates, carried balances and the identity of rows that have none."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from recon.feeds.adyen.types import JOURNAL_TYPES
from recon.feeds.ingest import Outcome
from tests.feeds.adyen_layouts import CLASSIC
from tests.feeds.offering import offer, stored, told

NAMES = next(csv.reader([CLASSIC]))
GD, GC, ND, NC = "Gross Debit (GC)", "Gross Credit (GC)", "Net Debit (NC)", "Net Credit (NC)"


def line(kind: str = "Settled", **cells: str) -> dict[str, str]:
    """A row of batch 7 of account Shop in EUR; gd, gc, nd, nc are its amounts, psp its payment."""
    short = {"gd": GD, "gc": GC, "nd": ND, "nc": NC, "psp": "Psp Reference", "mod": "Modification Reference",
             "gross": "Gross Currency", "net": "Net Currency", "rate": "Exchange Rate", "batch": "Batch Number",
             "text": "Modification Merchant Reference", "markup": "Markup (NC)",
             "account": "Merchant Account"}  # fmt: skip
    usual = {"Merchant Account": "Shop", "Creation Date": "2026-03-02 10:00:00", "TimeZone": "CET", "Type": kind,
             "Net Currency": "EUR", "Batch Number": "7"}  # fmt: skip
    if "psp" in cells:
        usual |= {"Gross Currency": "EUR", "Exchange Rate": "1", "Payment Method": "visa"}
    return usual | {short.get(name, name): value for name, value in cells.items()}


def give(tmp_path: Path, *rows: dict[str, str], name: str = "report.csv") -> tuple[Outcome, list[dict[str, Any]]]:
    """The rows offered as a file; the outcome and the lake's lines."""
    out = io.StringIO()
    writer = csv.DictWriter(out, NAMES, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path = tmp_path / name
    path.write_text(out.getvalue(), encoding="utf-8")
    return offer(path, tmp_path / "lake"), stored(tmp_path / "lake", "settlement_lines")


@pytest.mark.parametrize("side", ["gd", "gc"])
@pytest.mark.parametrize(
    "kind,net,gross,fee",
    [("Settled", {"nc": "9.50"}, 1000, 50), ("Refunded", {"nd": "10.50"}, -1000, 50),
     ("Settled", {"nd": "0.50"}, 1000, 1050),
     ("Chargeback", {"nd": "10.50"}, -1000, 50), ("ChargebackReversed", {"nc": "9.50"}, 1000, 50),
     ("RefundedReversed", {"nc": "9.50"}, 1000, 50), ("CaptureFailed", {"nd": "10.50"}, -1000, 50),
     ("settled", {"nc": "9.50"}, 1000, 50), ("Refunded", {"nd": "9.90"}, -1000, -10)],
)  # fmt: skip
def test_the_direction_comes_from_type_and_net(
    side: str, kind: str, net: dict[str, str], gross: int, fee: int, tmp_path: Path
) -> None:
    outcome, (found,) = give(tmp_path, line(kind, psp="P1", mod="M1", markup=f"{fee / 100:.2f}", **{side: "10"}, **net))
    assert (found["gross_minor"], found["settled_gross_minor"], found["fee_minor"]) == (gross, gross, fee)
    assert found["net_minor"] == gross - fee
    assert [fault.problem for fault in outcome.faults] == ["the batch does not sum to zero: Shop 7 EUR"]


@pytest.mark.parametrize(
    "rate,net,status",
    [("0.9015554443336751", "18.03", "accepted"), ("0.9015554443336751", "18.02", "accepted"),
     ("0.9015554443336751", "18.04", "accepted"), ("0.9015554443336751", "18.05", "incomplete"),
     ("0.9015554443336751", "18.01", "incomplete")],
)  # fmt: skip
def test_a_converted_row_may_be_off_by_one_minor_unit(rate: str, net: str, status: str, tmp_path: Path) -> None:
    sale = line(psp="P1", mod="M1", gross="USD", gc="20.00", rate=rate, nc=net)
    outcome, (found, _) = give(tmp_path, sale, line("MerchantPayout", mod="TX1XT batch 7, Shop", nd=net))
    assert outcome.status == status
    assert (found["gross_minor"], found["gross_currency"]) == (2000, "USD")
    assert (found["settled_gross_minor"], found["net_currency"]) == (int(net.replace(".", "")), "EUR")


@pytest.mark.parametrize(
    "gross,amount,rate,net_currency,net",
    [("JPY", "1000", "0.0067", "USD", "6.70"), ("EUR", "10.00", "160.5", "JPY", "1605"),
     ("KWD", "1.000", "3.25", "EUR", "3.25"), ("EUR", "3.25", "0.3076923076923077", "KWD", "1.000"),
     ("IDR", "100000.00", "0.0000589", "EUR", "5.89")],
)  # fmt: skip
def test_rates_join_currencies_of_other_decimals(
    gross: str, amount: str, rate: str, net_currency: str, net: str, tmp_path: Path
) -> None:
    sale = line(psp="P1", mod="M1", gross=gross, gc=amount, rate=rate, net=net_currency, nc=net)
    outcome, _ = give(tmp_path, sale, line("MerchantPayout", net=net_currency, nd=net))
    assert (outcome.status, outcome.faults) == ("accepted", ())


def test_a_broken_row_of_one_currency_is_incomplete_but_a_chargeback_is_only_noted(tmp_path: Path) -> None:
    sale = line(psp="P1", mod="M1", gc="10.00", nc="9.50", markup="0.40")
    outcome, _ = give(tmp_path, sale, line("MerchantPayout", nd="9.50"))
    assert (outcome.status, outcome.faults[0].line, outcome.faults[0].column) == ("incomplete", 2, NC)
    back = line("Chargeback", psp="P1", mod="M1", gd="10.00", nd="10.50", markup="0.40")
    noted, _ = give(tmp_path, back | {"Batch Number": "9"}, line("Balancetransfer", nc="10.50", batch="9"))
    assert (noted.status, [fault.level for fault in noted.faults]) == ("accepted", ["warning"])


def test_equal_rows_are_told_apart_by_their_order(tmp_path: Path) -> None:
    fee = line("Fee", mod="Transaction Fees March 02 2026", nd="0.50")
    _, found = give(tmp_path, fee, fee, line("Fee", mod="Other", nd="0.50"), fee, line("MerchantPayout", nc="2.00"))
    key = "7:Fee::Transaction Fees March 02 2026:2026-03-02 10:00:00:-50:EUR"
    assert [row["native_id"] for row in found] == [
        f"{key}:1", f"{key}:2", "7:Fee::Other:2026-03-02 10:00:00:-50:EUR:1", f"{key}:3",
        "7:MerchantPayout:::2026-03-02 10:00:00:200:EUR:1",
    ]  # fmt: skip
    assert len({row["native_id"] for row in found}) == 5


def test_carried_balances_and_payouts_fill_the_batch(tmp_path: Path) -> None:
    outcome, found = give(
        tmp_path,
        line("Balancetransfer", mod="Balancetransfer", text="Balancetransfer from batch 5", nc="3.00"),
        line("Balancetransfer", mod="Balancetransfer", text="Balancetransfer from batch 6", nd="1.00"),
        line(psp="P1", mod="M1", gc="10.00", nc="10.00"),
        line("BankInstructionReturned", nc="4.00"),
        line("MerchantPayout", mod="TX123XT batch 7, Shop", nd="15.00"),
        line("Balancetransfer", mod="Balancetransfer", text="Balancetransfer to batch 8", nd="1.00"),
    )
    assert outcome.status == "accepted"
    (batch,) = stored(tmp_path / "lake", "batches")
    shown = "net_minor payout_minor carry_in_minor carry_out_minor carry_in_from carry_out_to payout_ref batch_seq"
    assert [batch[name] for name in shown.split()] == [1000, 1100, 200, 100, "5,6", "8", "TX123XT", 7]
    assert [row["related_batch_id"] for row in found] == ["5", "6", None, None, None, "8"]
    assert batch["closed_at"] == "2026-03-02 09:00:00.000"


def test_a_file_of_several_accounts_batches_and_currencies_is_checked_each(tmp_path: Path) -> None:
    outcome, _ = give(
        tmp_path,
        line(psp="P1", mod="M1", gc="1.00", nc="1.00"), line("MerchantPayout", nd="1.00"),
        line(psp="P2", mod="M2", gc="2.00", nc="2.00", batch="8"), line("MerchantPayout", nd="1.00", batch="8"),
        line("Fee", net="USD", nd="1.00", account="Other"),
        line("MerchantPayout", net="USD", nc="1.00", account="Other"),
    )  # fmt: skip
    assert (outcome.status, [fault.value for fault in outcome.faults]) == ("incomplete", ["left over 100"])
    assert (outcome.row["batch_id"], outcome.row["gateway_account"]) == (None, None)
    assert len(stored(tmp_path / "lake", "batches")) == 3


@pytest.mark.parametrize(
    "cells,place",
    [({"nc": "1", "nd": "1"}, "Net Debit"), ({"gc": "1", "gd": "1"}, "Gross Debit"), ({"batch": ""}, "Batch Number"),
     ({"batch": "7a"}, "Batch Number"), ({"account": ""}, "Merchant Account"), ({"TimeZone": "XST"}, "TimeZone"),
     ({"TimeZone": ""}, "TimeZone"), ({"Creation Date": "2026-03-29 02:30:00"}, "Creation Date"),
     ({"Creation Date": "2026-02-29 02:30:00"}, "Creation Date"), ({"rate": "one"}, "Exchange Rate"),
     ({"net": "EURO"}, "Net Currency"), ({"markup": "x"}, "Markup (NC)"), ({"gross": ""}, GC)],
)  # fmt: skip
def test_a_bad_cell_is_refused_by_line_and_column(cells: dict[str, str], place: str, tmp_path: Path) -> None:
    good = {"psp": "P1", "mod": "M1", "gc": "1.00", "nc": "1.00"}
    outcome, found = give(tmp_path, line(**good), line(**(good | cells)))
    assert (outcome.status, found) == ("refused", [])
    assert any(where is not None and where.startswith(place) and number == 3 for number, where in told(outcome))


def test_every_documented_type_has_a_kind_and_an_unknown_one_is_held(tmp_path: Path) -> None:
    rows = [line(kind, nc="1.00") for kind in [*JOURNAL_TYPES, "NewThing"]]
    outcome, found = give(tmp_path, *rows, line("MerchantPayout", nd=f"{len(rows)}.00"))
    kinds = {row["raw_type"]: row["kind"] for row in found}
    assert kinds == JOURNAL_TYPES | {"NewThing": "held"}
    assert (outcome.status, [fault.value for fault in outcome.faults]) == ("accepted", ["NewThing"])


def test_the_batch_under_another_name_is_a_duplicate_and_with_other_content_restated(tmp_path: Path) -> None:
    sale, paid = line(psp="P1", mod="M1", gc="1.00", nc="1.00"), line("MerchantPayout", nd="1.00")
    first, _ = give(tmp_path, sale, paid, name="settlement_detail_report_batch_7.csv")
    again, _ = give(tmp_path, paid, sale, name="settlement_detail_report_2026-03-03.csv")
    other, _ = give(tmp_path, sale | {NC: "0.90", "Markup (NC)": "0.1"}, paid | {ND: ".9"}, name="late.csv")
    assert [outcome.status for outcome in (first, again, other)] == ["accepted", "duplicate", "accepted"]
    assert other.row["supersedes_file_id"] == first.row["file_id"]
    assert json.loads(other.row["control_totals"])["scope"] == "Shop batch 7"
