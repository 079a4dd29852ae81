"""Adyen's reports: golden files, every documented layout, both formats."""

from __future__ import annotations

import csv
import io
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from recon.feeds.adyen.payment_accounting import SettlementHeader
from tests.factories.workbook import printed, typed, write_workbook
from tests.feeds.adyen_layouts import GOLDEN, LAYOUTS, PRIVATE, rewritten
from tests.feeds.offering import expected, filled, offer, stored

_ADYEN = ("payment_accounting", "aggregate_settlement", "settlement_details")
FILES = sorted(path for path in GOLDEN.glob("*.csv") if path.name.startswith(_ADYEN))
TABLES = ("settlement_lines", "status_lines", "batches")
_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "samples"
SAMPLES = Path(os.environ.get("SETTLEMENT_SAMPLES", _BESIDE)) / "adyen"


def _found(path: Path, lake: Path) -> dict[str, Any]:
    outcome = offer(path, lake)
    row = outcome.row
    return {
        "status": outcome.status,
        "layout": row["layout"],
        "time_zone": row["time_zone"],
        "batch_id": row["batch_id"],
        "covers": [str(row["covers_from"]), str(row["covers_until"])] if row["covers_from"] else None,
        "remarks": [str(fault) for fault in outcome.faults],
    } | {name: rows for name in TABLES if (rows := filled(stored(lake, name)))}


def _header_line(path: Path) -> int:
    return 3 if path.name.startswith("aggregate") else 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_file_gives_the_lines_beside_it(path: Path, tmp_path: Path) -> None:
    assert _found(path, tmp_path) == expected(path)


@pytest.mark.parametrize("cell", [typed, printed], ids=["typed cells", "cells of text"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_workbook_of_the_same_content_gives_the_same_lines(
    path: Path, cell: Callable[[str, str], Any], tmp_path: Path
) -> None:
    text = path.read_text(encoding="utf-8-sig")
    book = write_workbook(tmp_path / f"{path.stem}.xlsx", text, header_line=_header_line(path), cell=cell)
    assert _found(book, tmp_path / "lake") == expected(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_other_format_of_a_known_file_is_a_duplicate(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8-sig")
    book = write_workbook(tmp_path / f"{path.stem}.xlsx", text, header_line=_header_line(path))
    assert offer(path, tmp_path / "lake").status == "accepted"
    assert offer(book, tmp_path / "lake").status == "duplicate"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_columns_may_come_in_any_order(path: Path, tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    above, table = rows[: _header_line(path) - 1], rows[_header_line(path) - 1 :]
    order = _shuffled(table[0])
    shuffled = tmp_path / path.name
    with shuffled.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\r\n").writerows([*above, *([row[at] for at in order] for row in table)])
    assert _found(shuffled, tmp_path / "lake") == expected(path)


def _shuffled(names: list[str]) -> list[int]:
    """Positions in another order; an amount stays beside its own currency, for of two that is what tells which."""
    blocks: list[list[int]] = []
    for at, name in enumerate(names):
        if name == "Payable (SC)":
            blocks[-1].append(at)
        else:
            blocks.append([at])
    random.Random(7).shuffle(blocks)
    return [at for block in blocks for at in block]


@pytest.mark.parametrize("columns", LAYOUTS)
def test_every_layout_of_settlement_details_says_the_same(columns: int, tmp_path: Path) -> None:
    path = tmp_path / "settlement_detail_report_batch_41.csv"
    path.write_text(rewritten(LAYOUTS[columns]), encoding="utf-8")
    assert len(next(csv.reader([LAYOUTS[columns]]))) == columns
    found = _found(path, tmp_path / "lake")
    known = expected(GOLDEN / "settlement_details_30.csv")
    if columns == 64:
        assert {row.pop("zone_source") for row in found["settlement_lines"]} == {"(AMS) column"}
        for row in known["settlement_lines"]:
            del row["zone_source"]
    assert found == known | {"layout": f"{columns} columns"}


@pytest.mark.parametrize("columns", [34, 49, 64])
def test_booking_dates_are_read_by_their_own_label(columns: int, tmp_path: Path) -> None:
    path = tmp_path / "settlement_detail_report_batch_41.csv"
    more = {"Booking Date": "2026-03-05 00:30:00", "Booking Date TimeZone": "GMT"}
    more["Booking Date (AMS)"] = "2026-03-05 01:30:00"
    path.write_text(rewritten(LAYOUTS[columns], more=more), encoding="utf-8")
    offer(path, tmp_path / "lake")
    booked = {row["booked_at"] for row in stored(tmp_path / "lake", "settlement_lines")}
    assert booked == {"2026-03-05 00:30:00.000"}


def test_what_a_person_could_be_known_by_never_enters_the_lake(tmp_path: Path) -> None:
    path = tmp_path / "settlement_detail_report_batch_41.csv"
    path.write_text(rewritten(LAYOUTS[64]), encoding="utf-8")
    offer(path, tmp_path / "lake")
    held = json.dumps(stored(tmp_path / "lake", "settlement_lines"))
    assert not [value for value in PRIVATE.values() if value in held]


def test_of_two_settlement_currencies_the_one_beside_payable_comes_first() -> None:
    twice = ("Settlement Currency", "Payable Batch", "Captured (PC)", "Settlement Currency", "Payable (SC)")
    assert SettlementHeader(twice).positions("Settlement Currency") == (3, 0)
    assert SettlementHeader(twice[::-1]).positions("Settlement Currency") == (1, 4)
    assert SettlementHeader(twice[:4]).positions("Settlement Currency") == (0, 3)


def test_the_second_settlement_currency_speaks_where_the_first_is_blank(tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO((GOLDEN / "payment_accounting_40.csv").read_text(encoding="utf-8"))))
    first = rows[0].index("Settlement Currency")
    rows[1][first] = ""
    path = tmp_path / "payments_accounting_report_2026_03_04.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    offer(path, tmp_path / "lake")
    assert stored(tmp_path / "lake", "status_lines")[0]["settlement_currency"] == "USD"


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_file_without_rows_takes_its_batch_from_its_name(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"settlement_detail_report_batch_77.{suffix}"
    if suffix == "csv":
        path.write_text(f"{LAYOUTS[30]}\n", encoding="utf-8")
    else:
        write_workbook(path, f"{LAYOUTS[30]}\n")
    outcome = offer(path, tmp_path / "lake", gateway_account="MoorlandShop")
    assert (outcome.status, outcome.row["batch_id"], outcome.row["rows"]) == ("accepted", "77", 0)
    assert json.loads(outcome.row["control_totals"])["scope"] == "MoorlandShop batch 77"
    assert "a header and no rows" in str(outcome.faults[0])
    again = offer(path, tmp_path / "lake", gateway_account="MoorlandShop")
    assert again.status == "duplicate"


def test_a_file_without_rows_is_refused_where_nobody_names_the_account(tmp_path: Path) -> None:
    path = tmp_path / "settlement_detail_report_batch_77.csv"
    path.write_text(f"{LAYOUTS[30]}\n", encoding="utf-8")
    outcome = offer(path, tmp_path / "lake")
    assert outcome.status == "refused"
    assert "--gateway-account" in str(outcome.faults[0])


def test_an_aggregate_file_without_rows_is_of_the_account_in_its_leading_line(tmp_path: Path) -> None:
    lines = (GOLDEN / "aggregate_settlement.csv").read_text(encoding="utf-8").splitlines()[:3]
    path = tmp_path / "aggregate.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    outcome = offer(path, tmp_path / "lake")
    assert (outcome.status, outcome.row["gateway_account"]) == ("accepted", "MoorlandShop")


def test_a_later_accounting_report_with_the_same_records_names_them_alike(tmp_path: Path) -> None:
    lines = (GOLDEN / "payment_accounting_37.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "first.csv").write_text("\n".join(lines[:4]) + "\n", encoding="utf-8")
    (tmp_path / "second.csv").write_text("\n".join([lines[0], *lines[:1:-1]]) + "\n", encoding="utf-8")
    for name in ("first", "second"):
        assert offer(tmp_path / f"{name}.csv", tmp_path / name).status == "accepted"
    ids = [_line_ids(tmp_path / name) for name in ("first", "second")]
    assert len(ids[0] & ids[1]) == 2


def _line_ids(lake: Path) -> set[str]:
    rows = ds.dataset(lake / "status_lines", format="parquet").to_table(columns=["line_id"]).to_pylist()
    return {row["line_id"] for row in rows}


@pytest.mark.samples
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample files are not here")
@pytest.mark.parametrize(
    "name,rows,kinds",
    [("payments_accounting_report_chargeback.csv", 1, {"Chargeback"}),
     ("payments_accounting_report_nyce.csv", 4, {"Received", "Authorised", "SentForSettle", "Settled"})],
)  # fmt: skip
def test_a_sample_of_payment_accounting_is_read(name: str, rows: int, kinds: set[str], tmp_path: Path) -> None:
    outcome = offer(SAMPLES / name, tmp_path)
    assert (outcome.status, outcome.row["report_type"], outcome.faults) == ("accepted", "payment_accounting", ())
    lines = stored(tmp_path, "status_lines")
    assert {line["raw_type"] for line in lines} == kinds
    assert len(lines) == rows
    assert sum(line["received_minor"] or 0 for line in lines) == 0
    assert {line["settlement_currency"] for line in lines if line["payable_minor"]} == {"USD"}
