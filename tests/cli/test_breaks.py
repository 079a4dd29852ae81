"""`recon breaks`: what a user types, what is answered, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner

from infra.local.guard import applied, client
from infra.local.lake import make_bucket
from infra.local.stack import Stack
from recon.breaks.book import Book
from recon.cli import breaks, breaks_people
from recon.cli.app import build
from recon.errors import Refused
from recon.store.place import open_place
from tests.factories.finished_run import Found, case_id, feed, write_run

MISSING = Found("movement:J1", diff_minor=123456, payment_id=2**62 + 1, reason="The ledger posted it.")
LATE = Found("feed:stripe:acct_1:payout_reconciliation:2026-03-10T00:00:00Z", "feed_late", 0, None, severity="warning")
YEN = Found("line:adyen:t9", "missing_in_ledger", -5, "JPY", gateway="adyen", severity="timing")
CASE = case_id(MISSING.subject)
NOW = datetime(2026, 3, 18, 12, tzinfo=UTC)

RECON = build(["breaks"])
Call = Callable[..., Any]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls `recon breaks` in a folder with an empty lake, an hour later each time, as `ana`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lake").mkdir()
    monkeypatch.setattr("getpass.getuser", lambda: "ana")
    hours = iter(range(1000))

    def clock() -> datetime:
        return NOW + timedelta(hours=next(hours))

    monkeypatch.setattr(breaks, "clock", clock)
    monkeypatch.setattr(breaks_people, "clock", clock)
    return lambda *words: CliRunner().invoke(RECON, ["breaks", *words, "--lake", "lake"])


@pytest.fixture
def filled(call: Call) -> Call:
    """The same with a register of three cases."""
    assert call("update", "--run", str(write_run(Path("t7"), found=[MISSING, LATE, YEN]))).exit_code == 0
    return call


def refused(done: Any) -> str:
    """What a refused command says."""
    assert isinstance(done.exception, Refused), done.output
    assert done.exception.exit_code == 2
    return str(done.exception)


def test_a_run_enters_and_says_what_it_changed(call: Call) -> None:
    run = write_run(Path("t7"), found=[MISSING, LATE])
    done = call("update", "--run", str(run))
    assert "is registered: opened 2, reopened 0, escalated 0, reclassified 0, resolved 0, found again 0" in done.stdout
    assert "1,234.56 EUR" in done.stdout
    again = call("update", "--run", str(run))
    assert again.exit_code == 0
    assert "was registered before; then it opened 2" in again.stdout
    later = write_run(Path("t14"), "T+14", [MISSING], feeds=[feed("accepted")])
    answer = json.loads(call("update", "--run", str(later), "--json").stdout)
    assert (answer["already"], answer["seen"]) == (False, 1)
    assert [case["subject_id"] for case in answer["resolved"]] == [LATE.subject]
    assert "no run at nowhere: no such folder; accepted" in refused(call("update", "--run", "nowhere"))


def test_the_list_shows_amounts_ages_and_what_is_at_risk(filled: Call) -> None:
    done = filled("list")
    lines = [line.split() for line in done.stdout.splitlines() if CASE[:12] in line]
    assert lines == [[CASE[:12], "break", "missing_at_gateway", "stripe", "acct_1", "1,234.56", "EUR", "6", "d",
                      "2026-03-13", "06:00", "overdue", "open"]]  # fmt: skip
    assert "unfinished 3, overdue 2; at risk: 1,234.56 EUR; by age: 3-7 d 3" in done.stdout


def test_what_cases_say_is_printed_as_it_is(call: Call) -> None:
    odd = Found("movement:J1", account="[red]:boom:", reason="[/x]")
    call("update", "--run", str(write_run(Path("t7"), found=[odd])))
    call("assign", CASE, "--to", "[bold]zoe")
    for words in (("list",), ("show", CASE)):
        said = call(*words).stdout
        assert "[red]:boom:" in said
        assert "[bold]zoe" in said
    assert "[/x]" in said


@pytest.mark.parametrize("options, subjects", [
    ((), [MISSING, LATE, YEN]),
    (("--overdue",), [MISSING, LATE]),
    (("--class", "feed_late", "--class", "missing_in_ledger"), [LATE, YEN]),
    (("--gateway", "adyen"), [YEN]),
    (("--severity", "break"), [MISSING]),
    (("--status", "resolved"), []),
    (("--status", "all", "--severity", "timing"), [YEN]),
    (("--as-of", "2026-03-18T11:59:00Z"), []),
    (("--as-of", "2026-03-19"), [MISSING, LATE, YEN]),
])  # fmt: skip
def test_the_list_keeps_to_what_is_asked_for(filled: Call, options: tuple[str, ...], subjects: list[Found]) -> None:
    answer = json.loads(filled("list", "--json", *options).stdout)
    assert [case["subject_id"] for case in answer["cases"]] == [of.subject for of in subjects]
    assert answer["totals"]["cases"] == len(subjects)


def test_a_program_reads_amounts_in_minor_units_and_ids_as_text(filled: Call) -> None:
    [case] = json.loads(filled("list", "--json", "--severity", "break").stdout)["cases"]
    assert case["diff_minor"] == {"EUR": 123456}
    assert case["payment_id"] == "4611686018427387905"
    assert (case["overdue"], case["age"], case["due_at"]) == (True, "3-7 d", "2026-03-13T06:00:00.000Z")


@pytest.mark.parametrize("words, said", [
    (("list", "--status", "closed"), "--status 'closed' is unknown; accepted: open, assigned"),
    (("list", "--severity", "high"), "--severity 'high' is unknown; accepted: timing, warning, break"),
    (("list", "--as-of", "soon"), "--as-of 'soon' is no instant; accepted: e.g. 2026-03-31T14:00:00Z"),
    (("show", "1234"), "'1234' is no case id; accepted: at least its first 6 characters"),
    (("assign", "000000", "--to", "zoe"), "there is no case 000000 in"),
    (("approve", CASE), "is open, which approve is not for; possible now: assign, explain, write-off"),
    (("explain", CASE, "--text", " "), "explain needs a text"),
    (("explain", CASE, "--text", "x", "--actor", " "), "actor ' ' names nobody"),
    (("export", "--out", "x.xlsx", "--gateway", "nobody"), "there is no case to export"),
    (("import", "nowhere.xlsx"), "there is no file nowhere.xlsx"),
])  # fmt: skip
def test_what_is_wrong_is_said_with_what_would_be_accepted(filled: Call, words: tuple[str, ...], said: str) -> None:
    before = Book.read(open_place("lake")).chain
    assert said in refused(filled(*words))
    assert Book.read(open_place("lake")).chain == before


def test_a_lake_that_is_not_there_is_refused_and_not_made(call: Call) -> None:
    Path("lake").rmdir()
    for words in (("list",), ("verify",), ("assign", CASE, "--to", "zoe")):
        assert "no lake at lake: expected a folder" in refused(call(*words))
    assert not Path("lake").exists()


def test_one_case_is_shown_with_its_history_and_the_command_that_opens_it(filled: Call) -> None:
    filled("update", "--run", str(write_run(Path("t14"), "T+14")))
    filled("write-off", CASE[:6], "--reason", "too small to chase")
    filled("approve", CASE[:6], "--actor", "bob")
    said = filled("show", CASE[:8]).stdout
    for expected in (
        "state            written off", "said last        too small to chase", "ledger − gateway 1,234.56 EUR",
        "pending: T+14 as of 2026-03-24 00:00 (known 2026-03-24 00:00) looked at its cohort, did not find it",
        "opened by ana: T+7 as of 2026-03-17T00:00Z finds missing_at_gateway, 1,234.56 EUR",
        "written off by ana: too small to chase", "approved by bob",
        "recon run --window T+7 --as-of 2026-03-17 --known-at 2026-03-17T00:00:00Z --lake lake --engine duckdb --out "
        "runs/T7/2026-03-17",
    ):  # fmt: skip
        assert expected in said, said
    history = json.loads(filled("show", CASE, "--json").stdout)["history"]
    assert [entry["action"] for entry in history] == ["opened", "written_off", "approved"]


def test_what_a_run_showed_is_told_with_what_it_rests_on(filled: Call) -> None:
    filled("update", "--run", str(write_run(Path("t14"), "T+14", [LATE, YEN], matched=[("J1", "t1")])))
    said = filled("show", CASE).stdout
    assert "resolved by ana: T+14 as of 2026-03-24T00:00Z shows that journal J1 and line" in said
    assert '"rule": "operation_ref"' in said


def test_people_work_on_several_cases_at_once(filled: Call) -> None:
    done = filled("assign", CASE, case_id(YEN.subject)[:10], "--to", "zoe", "--actor", "bob")
    assert done.exit_code == 0
    assert done.stdout.count("assigned") == 2
    assert "somebody else has to approve" in (filled("write-off", CASE, "--reason", "r"),
                                              refused(filled("approve", CASE)))[1]  # fmt: skip
    assert filled("reject", CASE, "--reason", "no").exit_code == 0
    assert filled("explain", CASE, "--text", "t").exit_code == 0
    assert "assigned" in filled("reopen", CASE, "--reason", "again").stdout


def test_a_log_that_was_changed_is_refused_by_every_command(filled: Call) -> None:
    said = filled("verify").stdout
    assert "the log is as it was written: 3 entries in 1 objects, 3 cases, 1 runs; last entry" in said
    path = Path("lake/break_log/00000001.parquet")
    path.write_bytes(path.read_bytes()[:-9] + b"x" + path.read_bytes()[-8:])
    for words in (("verify",), ("list",), ("assign", CASE, "--to", "zoe"), ("update", "--run", "t7")):
        said = refused(filled(*words))
        assert "break_log/00000001.parquet: " in said
        assert "restore the folder break_log" in said


def test_register_and_run_may_lie_in_a_bucket(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def call(*words: str) -> Any:
        return CliRunner().invoke(RECON, ["breaks", *words, "--lake", "s3://breaks-by-command/lake"])

    with applied(stack.environment()):
        make_bucket(client("s3"), "breaks-by-command")
        assert "no lake at s3://breaks-by-command/lake: nothing lies there" in refused(call("list"))
        for path in write_run(tmp_path / "t7", found=[MISSING]).iterdir():
            client("s3").upload_file(str(path), "breaks-by-command", f"lake/runs/t7/{path.name}")
        words = ("update", "--run", "s3://breaks-by-command/lake/runs/t7", "--actor", "job")
        assert "is registered: opened 1" in call(*words).stdout
        assert "was registered before; then it opened 1" in call(*words).stdout
        assert "explained" in call("explain", CASE, "--text", "timing", "--actor", "ana").stdout
        assert "2 entries in 2 objects, 1 cases, 1 runs" in call("verify").stdout
        assert "no run at s3://breaks-by-command/x: nothing lies there" in refused(
            call("update", "--run", "s3://breaks-by-command/x"))


def test_a_pack_goes_out_and_comes_back(filled: Call) -> None:
    assert "3 cases: cases.xlsx" in filled("export", "--out", "cases.xlsx").stdout
    assert filled("import", "cases.xlsx").stdout == "nothing to do: nothing was filled in\n"
    workbook = openpyxl.load_workbook("cases.xlsx")
    sheet = workbook["cases"]
    columns: dict[Any, Any] = {cell.value: cell.column for cell in sheet[1]}
    [row] = [cells[0].row for cells in sheet.iter_rows() if cells[0].value == CASE]
    sheet.cell(row, columns["action"]).value = "explain"
    sheet.cell(row, columns["text"]).value = "known outage"
    workbook.save("filled.xlsx")
    seen = filled("import", "filled.xlsx", "--preview")
    assert "1 cases would change; nothing was changed" in seen.stdout
    assert "known outage" in seen.stdout
    assert Book.read(open_place("lake")).cases[CASE].status == "open"
    assert "1 cases changed" in filled("import", "filled.xlsx").stdout
    assert Book.read(open_place("lake")).cases[CASE].text == "known outage"
    assert "has changed since the export: ana (explained, 2026-03-1" in refused(filled("import", "filled.xlsx"))
