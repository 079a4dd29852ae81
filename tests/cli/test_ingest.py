"""`recon ingest`: what it prints, and what its exit code says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recon.cli.app import build
from recon.errors import Refused
from tests.feeds.stripe_files import row, write


def run(*words: object) -> Result:
    """`recon ingest` with `words`."""
    return CliRunner().invoke(build(["ingest"]), ["ingest", *map(str, words)])


def test_a_table_says_what_became_of_each_file(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.csv", [row(1)])
    done = run(tmp_path / "in", "--lake", tmp_path / "lake", "--gateway-account", "acct_1")
    assert done.exit_code == 0
    assert "payout_reconciliation" in done.stdout
    assert "accepted" in done.stdout
    assert done.stderr == ""


def test_a_refused_file_ends_2_and_names_places(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.csv", [row(1)])
    write(tmp_path / "in" / "b.csv", [row(2, gross="ten")])
    done = run(tmp_path / "in", "--lake", tmp_path / "lake", "--gateway-account", "acct_1")
    assert done.exit_code == 2
    assert "line 2, column 'gross': text where an amount belongs 'ten'; accepted: a plain decimal number" in done.stderr
    assert (tmp_path / "lake" / "settlement_lines").is_dir()


def test_a_name_in_brackets_is_shown_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [row(1)], ["balance_transaction_id", "payment_metadata[payment_id]"])
    done = run(path, "--lake", tmp_path / "lake", "--gateway-account", "acct_1")
    assert done.exit_code == 2
    assert "payment_metadata[payment_id]" in done.stderr


def test_json_is_for_programs(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [row(1, net="9.99")])
    done = run(path, "--lake", tmp_path / "lake", "--gateway-account", "acct_1", "--json")
    (told,) = json.loads(done.stdout)
    assert (done.exit_code, told["status"], told["rows"]) == (0, "incomplete", 1)
    assert told["faults"][0]["line"] == 2


def test_strict_turns_anything_but_accepted_into_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [row(1)])
    words = (path, "--lake", tmp_path / "lake", "--gateway-account", "acct_1", "--strict")
    assert [run(*words).exit_code for _ in range(2)] == [0, 2]


@pytest.mark.parametrize(
    "option,value,why",
    [("--received-at", "yesterday", "--received-at"), ("--covers-from", "2026-13-01", "--covers-from"),
     ("--time-zone", "Mars/Base", "time zone")],
)  # fmt: skip
def test_an_option_that_cannot_be_read_is_refused(option: str, value: str, why: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [row(1)])
    done = run(path, "--lake", tmp_path / "lake", option, value)
    assert isinstance(done.exception, Refused)
    assert why in str(done.exception)
    assert not (tmp_path / "lake").exists()
