"""The main job ends well only when every run is clean, and never removes what it has not made."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from recon.cli import story
from recon.cli.app import build
from recon.cli.story_report import Verdict, finished, totals_table
from recon.errors import Refused

PERFECT = {"precision": 1.0, "recall": 1.0, "false_matches": 0, "missed_matches": 0}


def total(gateway: str = "stripe", currency: str = "EUR", unexplained_minor: int = 0) -> dict[str, Any]:
    """One entry of a summary's totals."""
    counts = {"movements": 1200, "matched": 1190, "pending": 4, "divergent": 6}
    return {"gateway": gateway, "gateway_account": "shop", "currency": currency, **counts,
            "unexplained_minor": unexplained_minor}  # fmt: skip


def verdict(*totals: dict[str, Any], **score: Any) -> Verdict:
    """A run's verdict: perfect but for what is given."""
    summary = {"status": "ok", "totals": totals or (total(),), "classes": {"amount_mismatch": 6}}
    return Verdict("T7_2026-03-31", Path("runs/T7/reconciliation.html"), 6.5, {**PERFECT, **score}, summary)


def shown(table: object) -> str:
    """What a terminal would show."""
    page = io.StringIO()
    Console(width=200, file=page).print(table)
    return page.getvalue()


def test_a_perfect_run_is_clean() -> None:
    assert verdict().clean
    assert verdict(precision=None, recall=None).clean


@pytest.mark.parametrize(
    "fault", [{"precision": 0.999}, {"recall": 0.5}, {"false_matches": 1}, {"missed_matches": 1}, {"recall": 0}]
)
def test_a_run_with_a_fault_is_not_clean(fault: dict[str, float]) -> None:
    assert not verdict(**fault).clean


def test_a_cent_without_a_name_is_not_clean_even_when_another_hides_it_in_the_sum() -> None:
    assert not verdict(total(unexplained_minor=1), total(unexplained_minor=-1)).clean


def test_totals_add_up_per_gateway_and_currency() -> None:
    runs = [verdict(total(), total("adyen", "JPY", 5)), verdict(total(unexplained_minor=-1234567))]
    text = shown(totals_table(runs))
    assert "2,400" in text
    assert "-12,345.67 EUR" in text
    assert "5 JPY" in text


def test_the_last_sentence_names_what_is_not_clean_or_what_to_open() -> None:
    assert "open runs/T7/reconciliation.html" in finished([verdict()])
    assert "1 of 2 runs are not clean: T7_2026-03-31" in finished([verdict(), verdict(recall=0.9)])


def test_each_run_shows_its_score_and_page() -> None:
    text = verdict(precision=0.9876, recall=None).line()
    assert "precision 0.988  recall     -" in text
    assert "6 rows" in text
    assert "runs/T7/reconciliation.html" in text


def test_an_earlier_story_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "run"
    (out / "world" / "lake").mkdir(parents=True)
    (out / "story.json").touch()
    story._empty(out)
    assert [entry.name for entry in out.iterdir()] == ["logs"]


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    (tmp_path / "world").mkdir()
    with pytest.raises(Refused, match=r"holds other things than a story's \(holiday.jpg\)"):
        story._empty(tmp_path)
    assert (tmp_path / "world").is_dir()


def test_a_stage_that_fails_ends_the_story_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    done = CliRunner().invoke(build(), ["story", "--payments", "1", "--out", str(tmp_path / "run")])
    assert done.exit_code == 1
    assert "ended 1; all of it in" in done.stderr


def test_the_verdicts_are_kept_as_plain_values() -> None:
    assert json.loads(json.dumps(verdict().to_dict()))["clean"] is True
