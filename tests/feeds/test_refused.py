"""Bad input: every fault by line and column, the file kept aside with its reasons, nothing of it in the lake."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from recon.errors import Refused
from recon.feeds.ingest import ingest
from recon.feeds.options import ReadOptions
from tests.feeds.offering import NOW, offer, stored, told
from tests.feeds.stripe_files import COLUMNS, row, text, write

ACCOUNT = {"gateway_account": "acct_1"}


def tables(lake: Path) -> set[str]:
    """Names of the lake tables that have a file."""
    return {path.relative_to(lake).parts[0] for path in lake.rglob("*.parquet")}


@pytest.mark.parametrize(
    "column,value,why",
    [
        ("gross", "ten", "text where an amount belongs"),
        ("gross", "", "empty where a value is needed"),
        ("gross", "1,000.00", "thousands separator"),
        ("gross", "1e3", "scientific notation"),
        ("fee", "0.591", "more decimals than USD has"),
        ("net", "92233720368547758.08", "64 bits"),
        ("currency", "XXQ", "unknown currency"),
        ("currency", "", "empty where a value is needed"),
        ("created_utc", "2026-02-30 10:00:00", "impossible or unreadable time"),
        ("created_utc", "02/03/2026", "impossible or unreadable time"),
        ("created_utc", "", "empty where a time is needed"),
        ("available_on_utc", "soon", "impossible or unreadable time"),
        ("balance_transaction_id", "", "empty where a value is needed"),
        ("reporting_category", "", "empty where a value is needed"),
    ],
)
def test_a_bad_cell_is_refused_by_line_and_column(column: str, value: str, why: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [row(1), row(2, **{column: value}), row(3)])
    outcome = offer(path, tmp_path / "lake", **ACCOUNT)
    assert outcome.status == "refused"
    assert (3, column) in told(outcome)
    assert {line for line, _ in told(outcome)} == {3}
    fault = next(fault for fault in outcome.faults if fault.column == column)
    assert why in fault.problem
    assert fault.accepted
    assert tables(tmp_path / "lake") == {"feed_files"}


def test_every_fault_is_listed_and_kept_with_the_file(tmp_path: Path) -> None:
    rows = [row(n, gross="x", currency="usd" if n % 2 else "zzz") for n in range(150)]
    path = write(tmp_path / "a.csv", rows)
    outcome = offer(path, tmp_path / "lake", **ACCOUNT)
    wanted = {(n + 2, "gross") for n in range(150)} | {(n + 2, "currency") for n in range(0, 150, 2)}
    assert wanted <= set(told(outcome))
    folder = tmp_path / "lake" / "refused" / outcome.row["file_id"]
    reasons = json.loads((folder / "reasons.json").read_text(encoding="utf-8"))
    assert (folder / "file").read_bytes() == path.read_bytes()
    assert reasons["faults_total"] == outcome.faults_total == len(reasons["faults"])
    (known,) = stored(tmp_path / "lake", "feed_files")
    assert known["status"] == "refused"
    assert len(json.loads(known["faults"])) == 100


def test_rows_of_another_width_and_faults_beside_them(tmp_path: Path) -> None:
    lines = text([row(1), row(2), row(3, gross="x"), row(4)]).splitlines()
    lines[2] = lines[2][:40]
    lines[4] += ",more"
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    outcome = offer(path, tmp_path / "lake", **ACCOUNT)
    assert told(outcome) == [(3, None), (4, "gross"), (5, None)]
    assert "has 3 fields, the header has 23" in outcome.faults[0].problem


def test_bytes_that_are_not_utf8_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text([row(1), row(2, source_id="caf@")]).encode().replace(b"caf@", b"caf\xe9"))
    outcome = offer(path, tmp_path / "lake", **ACCOUNT)
    assert told(outcome) == [(3, None)]
    assert "not UTF-8" in outcome.faults[0].problem


def test_a_quote_that_is_never_closed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text([row(1), row(2, source_id="@"), row(3)]).replace("@", '"open'), encoding="utf-8")
    outcome = offer(path, tmp_path / "lake", **ACCOUNT)
    assert (outcome.status, outcome.faults[0].line) == ("refused", 3)
    assert "quotes" in outcome.faults[0].problem


def test_a_line_break_inside_quotes_is_part_of_the_cell(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [row(1, source_id="ch_1\nx"), row(2)])
    assert offer(path, tmp_path / "lake", **ACCOUNT).status == "accepted"
    assert [line["line_no"] for line in stored(tmp_path / "lake", "settlement_lines")] == [2, 3]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"   "])
def test_an_empty_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    outcome = offer(path, tmp_path / "lake", **ACCOUNT)
    assert (outcome.status, outcome.faults[0].problem) == ("refused", "the file is empty")


@pytest.mark.parametrize(
    "content,why",
    [
        (gzip.compress(b"a,b\n", mtime=0), "gzip"),
        ("a,b\n".encode("utf-16"), "UTF-16"),
        (b"\x00\x01\x02binary", "binary"),
        (b"%PDF-1.7", "PDF"),
        (b"Date,TransactionID,Gross\n2026-01-01,PAY-1,3\n", "no report that is known"),
        (b"balance_transaction_id;created_utc;gross\n1;2;3\n", "no comma separates"),
        (b"hello\n", "no report that is known"),
    ],
)
def test_another_kind_of_file_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "statement.csv"
    path.write_bytes(content)
    outcome = offer(path, tmp_path / "lake", **ACCOUNT)
    assert outcome.status == "refused"
    assert why in str(outcome.faults[0])


def test_a_missing_column_is_named_with_what_stands_nearest(tmp_path: Path) -> None:
    columns = ["Net" if name == "net" else name for name in COLUMNS]
    outcome = offer(write(tmp_path / "a.csv", [row() | {"Net": "9.41"}], columns), tmp_path / "lake", **ACCOUNT)
    assert outcome.status == "refused"
    assert "lacks column 'net' (it has 'Net')" in outcome.faults[0].problem
    assert outcome.faults[0].column == "net"


def test_an_account_that_nobody_names_is_refused(tmp_path: Path) -> None:
    outcome = offer(write(tmp_path / "a.csv", [row()]), tmp_path / "lake")
    assert outcome.status == "refused"
    assert "--gateway-account" in (outcome.faults[0].accepted or "")


def test_a_file_said_to_be_from_the_other_gateway_is_refused(tmp_path: Path) -> None:
    outcome = offer(write(tmp_path / "a.csv", [row()]), tmp_path / "lake", gateway="adyen", **ACCOUNT)
    assert outcome.status == "refused"
    assert "report of stripe" in outcome.faults[0].problem


def test_a_header_alone_is_accepted_with_a_warning(tmp_path: Path) -> None:
    outcome = offer(write(tmp_path / "a.csv", []), tmp_path / "lake", **ACCOUNT)
    assert (outcome.status, outcome.row["rows"]) == ("accepted", 0)
    assert [fault.level for fault in outcome.faults] == ["warning"]


def test_good_files_stay_when_another_one_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write(folder / "good.csv", [row(1)])
    write(folder / "sub" / "bad.csv", [row(2, gross="x")])
    (folder / ".hidden").write_text("x", encoding="utf-8")
    (folder / "notes.txt").write_text("not a report", encoding="utf-8")
    outcomes = ingest([folder], tmp_path / "lake", ReadOptions(received_at=NOW, **ACCOUNT), lambda: NOW)  # type: ignore[arg-type]
    assert {outcome.path.name: outcome.status for outcome in outcomes} == {
        "good.csv": "accepted", "bad.csv": "refused", "notes.txt": "refused",
    }  # fmt: skip
    assert [line["native_id"] for line in stored(tmp_path / "lake", "settlement_lines")] == ["txn_1"]


def test_a_path_that_is_not_there_refuses_the_whole_command(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no such file or folder"):
        ingest([tmp_path / "absent.csv"], tmp_path / "lake", ReadOptions(), lambda: NOW)
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize(
    "arrivals,why",
    [
        ("{", "not valid JSON"), ("[]", "an object of file name"), ('{"a.csv": 3}', "a.csv"),
        ('{"a.csv": {"received_at": "yesterday"}}', "received_at"),
        ('{"a.csv": {"received_at": "2026-01-01T00:00:00"}}', "received_at"),
        ('{"a.csv": {"time_zone": "Mars"}}', "Mars"),
        ('{"a.csv": {"covers_from": "2026-01-02", "covers_until": "2026-01-01"}}', "not before"),
    ],
)  # fmt: skip
def test_arrivals_that_cannot_be_read_are_refused(arrivals: str, why: str, tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.csv", [row()])
    (tmp_path / "in" / "arrivals.json").write_text(arrivals, encoding="utf-8")
    with pytest.raises(Refused, match=why):
        ingest([tmp_path / "in"], tmp_path / "lake", ReadOptions(**ACCOUNT), lambda: NOW)  # type: ignore[arg-type]
    assert not (tmp_path / "lake" / "feed_files").exists()


def test_glob_signs_and_quotes_in_names_are_only_names(tmp_path: Path) -> None:
    folder = tmp_path / "it's [a] *"
    path = write(folder / "in?" / "a'b [1]*.csv", [row()])
    outcome = offer(path, folder / "lake", **ACCOUNT)
    assert outcome.status == "accepted", outcome.faults
    (file,) = (folder / "lake" / "settlement_lines").rglob("*.parquet")
    assert pq.ParquetFile(file).metadata.num_rows == 1


def test_a_doubled_column_that_is_not_used_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    columns = [*COLUMNS, "description", "description"]
    path = write(tmp_path / "a.csv", [row(1), row(2)], columns)
    path.write_text(path.read_text(encoding="utf-8") + "\n\n", encoding="utf-8")
    outcome = offer(path, tmp_path / "lake", **ACCOUNT)
    assert (outcome.status, outcome.row["rows"]) == ("accepted", 2)
