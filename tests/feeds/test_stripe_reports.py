"""Stripe's reports: what their rows become, in whatever columns, order and format they come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recon.feeds.stripe.kinds import REPORTING_CATEGORIES
from tests.feeds.offering import filled, offer, stored, told
from tests.feeds.stripe_files import COLUMNS, NINE, page, row, text, transaction, write

ACCOUNT = {"gateway_account": "acct_1"}


def lines_of(path: Path, lake: Path, **options: Any) -> list[dict[str, Any]]:
    """Lines of a file that must be accepted."""
    outcome = offer(path, lake, **(ACCOUNT | options))
    assert outcome.status == "accepted", outcome.faults
    return stored(lake, "settlement_lines")


def test_a_charge_in_full(tmp_path: Path) -> None:
    (line,) = filled(lines_of(write(tmp_path / "a.csv", [row()]), tmp_path / "lake"))
    assert line == {
        "line_no": 2, "gateway_account": "acct_1", "report_type": "payout_reconciliation", "batch_id": "po_1",
        "payout_ref": "po_1", "native_id": "txn_1", "kind": "charge", "raw_type": "charge",
        "payment_ref": "4611686018427400001", "gateway_ref": "pi_1", "charge_ref": "ch_1", "operation_ref": "ch_1",
        "gross_minor": 1000, "gross_currency": "USD", "settled_gross_minor": 1000, "fee_minor": 59,
        "fee_currency": "USD", "net_minor": 941, "net_currency": "USD", "payment_method": "card",
        "card_brand": "mastercard", "card_funding": "credit", "card_country": "NL",
        "occurred_at": "2026-03-02 10:00:01.000", "available_at": "2026-03-04 00:00:00.000",
        "paid_out_at": "2026-03-05 00:00:00.000", "zone_source": "utc column",
    }  # fmt: skip


def test_the_customer_facing_amount_is_what_is_compared(tmp_path: Path) -> None:
    rows = [
        row(1, customer_facing_amount="1500", customer_facing_currency="jpy"),
        row(2, gross="-10.00", fee="0", net="-10", reporting_category="refund", source_id="re_2",
            customer_facing_amount="1500", customer_facing_currency="JPY"),
        row(3, gross="-0.50", fee="0", net="-0.50", reporting_category="fee", source_id="", charge_id="",
            customer_facing_amount="0.4", customer_facing_currency="eur"),
    ]  # fmt: skip
    found = lines_of(write(tmp_path / "a.csv", rows), tmp_path / "lake")
    compared = [(line["gross_minor"], line["gross_currency"], line["settled_gross_minor"]) for line in found]
    assert compared == [(1500, "JPY", 1000), (-1500, "JPY", -1000), (-50, "USD", -50)]


def test_a_refund_that_names_only_its_charge_has_no_reference_of_its_own(tmp_path: Path) -> None:
    refund = row(2, gross="-10", fee="0", net="-10", reporting_category="refund", source_id="ch_1", charge_id="")
    (line,) = lines_of(write(tmp_path / "a.csv", [refund]), tmp_path / "lake")
    assert (line["operation_ref"], line["charge_ref"], line["kind"]) == (None, "ch_1", "refund")


def test_every_documented_category_has_a_kind_and_an_unknown_one_is_held(tmp_path: Path) -> None:
    known = sorted(REPORTING_CATEGORIES)
    rows = [row(n, reporting_category=name, automatic_payout_id="") for n, name in enumerate([*known, "brand_new"])]
    path = write(tmp_path / "a.csv", rows)
    outcome = offer(path, tmp_path / "lake", **ACCOUNT)
    found = {line["raw_type"]: line["kind"] for line in stored(tmp_path / "lake", "settlement_lines")}
    assert found == REPORTING_CATEGORIES | {"brand_new": "held"}
    assert outcome.status == "accepted"
    assert [(fault.level, fault.value, fault.line) for fault in outcome.faults] == [
        ("warning", "brand_new", len(known) + 2)
    ]


def test_nothing_else_leaves_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [row()])
    lines_of(path, tmp_path / "lake")
    parquet = b"".join(file.read_bytes() for file in (tmp_path / "lake").rglob("*.parquet"))
    assert b"person@example.org" not in parquet


@pytest.mark.parametrize(
    "dialect", [{"lineterminator": "\r\n"}, {"quoting": 1}, {"lineterminator": "\r\n", "quoting": 1}]
)
def test_line_ends_and_quotes_do_not_matter(dialect: dict[str, Any], tmp_path: Path) -> None:
    plain = lines_of(write(tmp_path / "a.csv", [row(1), row(2)]), tmp_path / "plain")
    assert lines_of(write(tmp_path / "b.csv", [row(1), row(2)], **dialect), tmp_path / "other") == plain


def test_a_byte_order_mark_and_another_order_of_columns_do_not_matter(tmp_path: Path) -> None:
    plain = lines_of(write(tmp_path / "a.csv", [row(1), row(2)]), tmp_path / "plain")
    marked = tmp_path / "b.csv"
    marked.write_text(text([row(1), row(2)], COLUMNS[::-1]), encoding="utf-8-sig")
    assert lines_of(marked, tmp_path / "other") == plain


def test_a_decimal_comma_is_read_where_the_file_keeps_to_it(tmp_path: Path) -> None:
    cells = {"gross": "10,00", "fee": "0,59", "net": "9,41"}
    rows = [row(1, **cells), row(2, gross="10", fee=",5", net="9,5")]
    found = lines_of(write(tmp_path / "a.csv", rows), tmp_path / "lake")
    assert [(line["settled_gross_minor"], line["fee_minor"]) for line in found] == [(1000, 59), (1000, 50)]


def test_a_decimal_comma_in_one_row_only_is_refused(tmp_path: Path) -> None:
    outcome = offer(write(tmp_path / "a.csv", [row(1, gross="10,00"), row(2)]), tmp_path / "lake", **ACCOUNT)
    assert outcome.status == "refused"
    assert told(outcome) == [(2, "gross")]


def test_the_payment_reference_column_can_be_named(tmp_path: Path) -> None:
    columns = [*COLUMNS[:-1], "payment_metadata[order]", "payment_metadata[saga]"]
    path = write(tmp_path / "a.csv", [row(1) | {"payment_metadata[saga]": "7"}], columns)
    (line,) = lines_of(path, tmp_path / "lake", payment_ref_columns=("payment_metadata[saga]",))
    assert line["payment_ref"] == "7"
    unnamed = offer(path, tmp_path / "other", **ACCOUNT)
    assert "payment_ref" not in json.loads(unnamed.row["provides"])
    misspelt = offer(path, tmp_path / "third", payment_ref_columns=("payment_metadata[sage]",), **ACCOUNT)
    assert misspelt.status == "refused"
    assert "payment_metadata[saga]" in (misspelt.faults[0].accepted or "")


def test_the_nine_default_columns_are_the_activity_report(tmp_path: Path) -> None:
    outcome = offer(write(tmp_path / "export.csv", [row()], NINE), tmp_path / "lake", **ACCOUNT)
    assert outcome.row["report_type"] == "balance_change_from_activity"
    assert set(json.loads(outcome.row["provides"])).isdisjoint({"batch_id", "payment_ref", "gateway_ref", "charge_ref"})


@pytest.mark.parametrize("name", ["Itemised_balance_change_from_activity_USD_2026.csv", "payments_activity.csv"])
def test_the_activity_report_with_payouts_is_known_by_its_name(name: str, tmp_path: Path) -> None:
    outcome = offer(write(tmp_path / name, [row()]), tmp_path / "lake", **ACCOUNT)
    assert outcome.row["report_type"] == "balance_change_from_activity"
    told_so = offer(tmp_path / name, tmp_path / "other", report_type="payout_reconciliation", **ACCOUNT)
    assert told_so.row["report_type"] == "payout_reconciliation"


def test_a_time_without_zone_needs_to_be_told_its_zone(tmp_path: Path) -> None:
    columns = [name for name in COLUMNS if not name.endswith("_utc")]
    path = write(tmp_path / "a.csv", [row()], columns)
    outcome = offer(path, tmp_path / "lake", **ACCOUNT)
    assert outcome.status == "refused"
    assert "--time-zone" in (outcome.faults[0].accepted or "")
    (line,) = lines_of(path, tmp_path / "told", time_zone="Europe/Amsterdam")
    assert (line["occurred_at"], line["zone_source"]) == ("2026-03-02 10:00:01.000", "account")
    assert line["paid_out_at"] == "2026-03-05 00:00:00.000"


def test_where_only_utc_times_are_printed_the_bare_payout_date_is_utc(tmp_path: Path) -> None:
    columns = [name for name in COLUMNS if name not in ("created", "automatic_payout_effective_at_utc")]
    (line,) = lines_of(write(tmp_path / "a.csv", [row()], columns), tmp_path / "lake")
    assert line["paid_out_at"] == "2026-03-05 01:00:00.000"


def test_a_printed_payout_is_summed_up(tmp_path: Path) -> None:
    paid = row(3, gross="-18.82", fee="0", net="-18.82", reporting_category="payout", source_id="po_1", charge_id="")
    lake = tmp_path / "lake"
    assert offer(write(tmp_path / "a.csv", [row(1), row(2), paid]), lake, **ACCOUNT).status == "accepted"
    (batch,) = stored(lake, "batches")
    assert (batch["batch_id"], batch["role"]) == ("po_1", "settlement")
    assert (batch["net_minor"], batch["payout_minor"]) == (1882, 1882)
    short = offer(write(tmp_path / "b.csv", [row(1), paid]), tmp_path / "short", **ACCOUNT)
    assert short.status == "incomplete"


def test_without_a_payout_row_what_was_paid_is_not_told(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lines_of(write(tmp_path / "a.csv", [row(1), row(2)]), lake)
    assert [(batch["net_minor"], batch["payout_minor"]) for batch in stored(lake, "batches")] == [(1882, None)]


LEGACY = (
    "id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Available On (UTC),Description,Customer Facing Amount,"
    "Customer Facing Currency,Transfer,Transfer Date (UTC),payment_id (metadata)\n"
    "txn_a,charge,ch_a,849.00,24.92,824.08,usd,2016-07-14 07:45,2016-07-16 00:00,Order,849.00,usd,tr_1,"
    "2016-07-18 00:00,77\n"
    "txn_b,refund,ch_b,-249.00,-7.52,-241.48,usd,2016-07-25 15:34,2016-07-25 15:34,R,-249.00,usd,tr_2,"
    "2016-07-27 00:00,\n"
    "txn_c,adjustment,dp_c,-30.00,15.00,-45.00,USD,2016-07-26 15:34,2016-07-26 15:34,Chargeback,,,,,\n"
    "txn_d,adjustment,,3.00,0,3.00,USD,2016-07-26 15:35,2016-07-26 15:35,Other,,,,,\n"
)


@pytest.mark.parametrize("header", ["id", "ID"])
def test_the_legacy_export(header: str, tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text(header + LEGACY.removeprefix("id"), encoding="utf-8")
    found = lines_of(path, tmp_path / "lake")
    assert {line["report_type"] for line in found} == {"legacy_export"}
    assert [(line["native_id"], line["kind"], line["gross_minor"], line["fee_minor"]) for line in found] == [
        ("txn_a", "charge", 84900, 2492), ("txn_b", "refund", -24900, -752), ("txn_c", "chargeback", -3000, 1500),
        ("txn_d", "adjustment", 300, 0),
    ]  # fmt: skip
    assert [line["payment_ref"] for line in found] == ["77", None, None, None]
    assert found[0]["occurred_at"] == "2016-07-14 07:45:00.000"


EXPANDED = {
    "id": "re_2", "object": "refund", "charge": "ch_1", "payment_intent": "pi_1", "amount": 150_000,
    "currency": "isk", "metadata": {"payment_id": "77"},
}  # fmt: skip


@pytest.mark.parametrize("form", ["page", "array", "lines", "pages", "pretty"])
def test_balance_transactions_of_the_api(form: str, tmp_path: Path) -> None:
    items = [
        transaction(1),
        transaction(2, amount=-150_000, fee=0, net=-150_000, currency="isk", type="refund", reporting_category="refund",
                    source=EXPANDED, exchange_rate=0.00725),
        transaction(3, amount=-941, fee=0, net=-941, type="payout", reporting_category="payout", source="po_9"),
    ]  # fmt: skip
    path = tmp_path / "list.json"
    path.write_text(
        {
            "page": page(items), "array": json.dumps(items), "lines": "\n".join(json.dumps(item) for item in items),
            "pages": page(items[:2]) + "\n" + page(items[2:]), "pretty": json.dumps(json.loads(page(items)), indent=2),
        }[form], encoding="utf-8",
    )  # fmt: skip
    found = lines_of(path, tmp_path / "lake")
    assert [line["line_no"] for line in found] == [1, 2, 3]
    assert [(line["kind"], line["gross_minor"], line["gross_currency"]) for line in found] == [
        ("charge", 1000, "USD"), ("refund", -1500, "ISK"), ("payout", -941, "USD"),
    ]  # fmt: skip
    refund = found[1]
    assert (refund["operation_ref"], refund["charge_ref"], refund["gateway_ref"], refund["payment_ref"]) == (
        "re_2", "ch_1", "pi_1", "77",
    )  # fmt: skip
    assert found[2]["batch_id"] == "po_9"
    assert found[0]["occurred_at"] == "2026-03-02 10:00:01.000"


def test_an_api_amount_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(page([transaction(1, currency="isk", amount=150)]), encoding="utf-8")
    outcome = offer(path, tmp_path / "lake", **ACCOUNT)
    assert outcome.status == "refused"
    assert (1, "amount") in told(outcome)


@pytest.mark.parametrize("content", ['{"object": "list", "data": [', "[1, 2", '{"a": 1}', "[]", '"text"', "{nonsense}"])
def test_json_that_is_no_list_of_transactions_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(content, encoding="utf-8")
    assert offer(path, tmp_path / "lake", **ACCOUNT).status == "refused"


PAYOUTS = (
    "balance_transaction_id,currency,effective_at,effective_at_utc,fee,gross,net,payout_id,payout_status,payout_type,"
    "reporting_category\n"
    "txn_1,usd,2026-03-05 00:00:00,2026-03-05 00:00:00,0,-18.82,-18.82,po_1,paid,bank_account,payout\n"
    "txn_2,eur,2026-03-05 00:00:00,2026-03-05 00:00:00,0,-5,-5,po_2,paid,bank_account,payout\n"
    "txn_3,eur,2026-03-06 00:00:00,2026-03-06 00:00:00,0,5,5,po_2,failed,bank_account,payout_reversal\n"
)


def test_payouts_fill_batches_and_give_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "Itemised_payouts.csv"
    path.write_text(PAYOUTS, encoding="utf-8")
    outcome = offer(path, tmp_path / "lake", **ACCOUNT)
    assert (outcome.status, outcome.row["role"]) == ("accepted", "control")
    found = [(b["batch_id"], b["currency"], b["payout_minor"], b["payout_status"], b["role"])
             for b in stored(tmp_path / "lake", "batches")]  # fmt: skip
    assert found == [("po_1", "USD", 1882, "paid", "control"), ("po_2", "EUR", 0, "failed", "control")]
    assert stored(tmp_path / "lake", "settlement_lines") == []


def test_a_payout_summary_is_of_the_payout_in_its_name(tmp_path: Path) -> None:
    header = "count,currency,fee,gross,net,reporting_category\n"
    content = f"{header}2,usd,1.18,20.00,18.82,charge\n1,usd,0,-1.00,-1.00,refund\n"
    path = tmp_path / "payout_reconciliation_by_id_summary_po_1AbC.csv"
    path.write_text(content, encoding="utf-8")
    assert offer(path, tmp_path / "lake", **ACCOUNT).status == "accepted"
    (batch,) = stored(tmp_path / "lake", "batches")
    assert (batch["batch_id"], batch["net_minor"], batch["payout_minor"]) == ("po_1AbC", 1782, 1782)
    nameless = tmp_path / "summary.csv"
    nameless.write_text(content, encoding="utf-8")
    outcome = offer(nameless, tmp_path / "other", **ACCOUNT)
    assert outcome.status == "refused"
    assert "which payout" in outcome.faults[0].problem
