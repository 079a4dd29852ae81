"""What a notebook calls shows its refusals plainly and tells how far it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from recon.schedule import notebook, progress
from recon.schedule.runner import NOTEBOOK

LAKE = str(NOTEBOOK.parent / "sample" / "lake")
DAYS = ("2026-03-05", "2026-03-07")
CAPTURED = """
SELECT e.currency, e.direction, sum(CAST(e.amount_minor AS DECIMAL(38, 0))) AS total_minor
FROM ledger_entries AS e WHERE e.step = :step GROUP BY e.currency, e.direction ORDER BY e.currency, e.direction
"""


def test_a_question_is_answered_and_progress_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress"))
    found = notebook.ask(CAPTURED, lake=LAKE, days=DAYS, step="CAPTURE")
    totals = found.pivot(index="currency", columns="direction", values="total_minor")
    assert len(totals)
    assert (totals["D"] == totals["C"]).all()
    assert (tmp_path / "progress").read_text(encoding="utf-8") == "list ledger_entries\nask duckdb\n"


def test_known_at_is_text_or_a_time() -> None:
    sql = "SELECT count(*) AS n FROM feed_files AS f WHERE f.received_at < :known_at"
    at = datetime(2026, 3, 6, tzinfo=UTC)
    counts = [notebook.ask(sql, lake=LAKE, known_at=known) for known in ("2026-03-06", "2026-03-06T00:00:00Z", at)]
    assert counts[0]["n"].tolist() != [0]
    for other in counts[1:]:
        pd.testing.assert_frame_equal(counts[0], other)
    with pytest.raises(notebook.Refusal, match="known_at 'yesterday' is not an instant"):
        notebook.ask(sql, lake=LAKE, known_at="yesterday")


def test_a_refusal_names_every_construct_without_a_stack() -> None:
    with pytest.raises(notebook.Refusal) as refused:
        notebook.ask("SELECT *\nFROM ledger_entries AS e\nWHERE e.amount_minor / 2 > 1", lake=LAKE, days=DAYS)
    [shown] = refused.value._render_traceback_()
    head, star, division = shown.splitlines()
    assert head.startswith("Refused: the statement leaves what means the same on every engine")
    assert star == "line 1: star: *: columns must be said; safe: name the columns; count(*) is fine"
    assert division.startswith("line 3: division: e.amount_minor / 2: integer and decimal division differ")
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
