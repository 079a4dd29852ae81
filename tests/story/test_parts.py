"""The small parts of a story: its folder, its runs, its words, its money."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from infra.local.errors import LocalRefused
from infra.local.story.commands import Recon
from infra.local.story.due import expectations
from infra.local.story.errors import StageFailed
from infra.local.story.facts import runs_of
from infra.local.story.folder import claimed
from infra.local.story.telling import Telling
from infra.local.story.verdict import money

ADYEN, STRIPE = expectations({"stripe": "acct", "adyen": "shop"})


def test_two_stories_at_once_have_folders_of_their_own(tmp_path: Path) -> None:
    with claimed(tmp_path / "run") as one, claimed(tmp_path / "run") as other:
        assert (one.root.name, other.root.name) == ("run", "run-2")
    with claimed(tmp_path / "run") as again:
        assert again.root == one.root


def test_a_folder_is_emptied_of_a_storys_things_alone(tmp_path: Path) -> None:
    with claimed(tmp_path / "run") as folder:
        (folder.root / "world").mkdir()
        (folder.root / "story.json").touch()
        folder.emptied()
        assert [path.name for path in folder.root.iterdir()] == ["logs"]
        (folder.root / "letter.txt").touch()
        with pytest.raises(LocalRefused, match=r"letter\.txt"):
            folder.emptied()
        assert (folder.root / "letter.txt").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(LocalRefused, match="no folder"), claimed(tmp_path / "run"):
        pass


def test_each_touched_hour_and_day_has_its_runs() -> None:
    late = datetime(2026, 4, 1, 23, 59, 59, tzinfo=UTC)
    runs = runs_of([late, late + timedelta(seconds=2)])
    assert [run.name for run in runs] == [
        "hourly_2026-04-02T01", "hourly_2026-04-02T02", "T7_2026-04-08", "T7_2026-04-09", "T14_2026-04-15",
        "T14_2026-04-16", "T30_2026-05-01", "T30_2026-05-02"]
    assert [(run.cohort_to - run.cohort_from) for run in runs[:3]] == [
        timedelta(hours=1), timedelta(hours=1), timedelta(days=1)]
    assert all(run.cohort_from <= late + timedelta(seconds=2) for run in runs)


def test_lines_are_due_when_the_gateways_reports_must_be_here() -> None:
    friday = datetime(2026, 4, 10, 10, tzinfo=UTC)
    assert STRIPE.due(friday) == datetime(2026, 4, 14, 18, tzinfo=UTC)
    assert ADYEN.due(friday) == datetime(2026, 4, 13, 7, tzinfo=UTC)
    thursday_before_easter = datetime(2026, 4, 2, 10, tzinfo=UTC)
    assert ADYEN.due(thursday_before_easter) == datetime(2026, 4, 7, 7, tzinfo=UTC)
    assert [begins.hour for begins, _ in ADYEN.days(friday, friday + timedelta(days=1))] == [22, 22]


def test_in_a_pipe_progress_is_plain_lines() -> None:
    said = io.StringIO()
    telling = Telling(Console(file=said, force_terminal=False))
    with telling.within("traffic", "a few payments"):
        telling.stage("payments", 2)
        telling.advance()
        telling.tell("soon")
        telling.say("done")
    assert said.getvalue().splitlines() == ["traffic: a few payments", "  payments", "  done", "  0.0 s"]
    assert list(telling.seconds) == ["traffic"]


@pytest.mark.parametrize(("amount", "currency", "text"), [
    (0, "EUR", "0.00 EUR"), (-5, "EUR", "-0.05 EUR"), (1_234_567, "USD", "12,345.67 USD"), (1_500, "JPY", "1,500 JPY"),
    (-1_234, "KWD", "-1.234 KWD")])
def test_money_is_written_as_people_do(amount: int, currency: str, text: str) -> None:
    assert money(amount, currency) == text


def test_a_command_that_ends_badly_stops_the_story_and_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="ended 2; all of it in") as failed:
        Recon(tmp_path, {}).run("run", "--window", "T+7")
    assert "--as-of" in str(failed.value)
    assert (tmp_path / "run.log").read_text()
    assert "Usage" in Recon(tmp_path, {}).run("--help", log="help")
