"""At one state of knowledge every movement and every line is in exactly one cohort, and cohorts add up to the lake."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from recon.match.result import RunResult
from tests.factories.lake import LakeBuilder
from tests.factories.lake_control import DAY
from tests.match.harness import pairs, rows, run, said

KNOWN = (DAY + timedelta(days=25)).isoformat()


def test_a_claimed_line_belongs_to_its_movements_cohort_whatever_its_own_date(tmp_path: Path) -> None:
    lake = LakeBuilder()
    journal = lake.movement(1, 1000, at=DAY + timedelta(hours=23))
    lake.line("t1", 1000, payment_id=1, operation_ref="op_CAPTURE_1_1", at=DAY + timedelta(days=1, hours=1))
    path = lake.write(tmp_path / "lake")
    own, next_day = run(path, tmp_path), run(path, tmp_path, as_of="2026-03-18")
    assert pairs(own) == {(journal, "t1")}
    assert [t["gateway_minor"] for t in own.summary["totals"]] == [1000]
    assert (said(own), said(next_day), next_day.summary["totals"], pairs(next_day)) == ([], [], [], set())


def test_a_duplicate_charge_days_later_is_reported_in_its_own_cohort(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.pair(1, 1000)
    again = lake.line("t9", 1000, payment_id=1, operation_ref="ch_9", at=DAY + timedelta(days=3))
    path = lake.write(tmp_path / "lake")
    assert said(run(path, tmp_path)) == []
    assert said(run(path, tmp_path, as_of="2026-03-20")) == [("duplicate_capture", again, -1000)]


def messy_lake(seed: int) -> LakeBuilder:
    """Movements and lines over four days, some crossing midnight, some alone, keyless, crossed, doubled or wrong."""
    draw = random.Random(seed)
    lake = LakeBuilder()
    for payment_id in range(1, 60):
        at = DAY + timedelta(days=draw.randrange(4), seconds=draw.choice([1, 3, 86_397, draw.randrange(86_400)]))
        amount = draw.choice([500, 1000, 1000, 1000, draw.randrange(1, 9999)])
        shift = timedelta(seconds=draw.choice([-5, 2, 5, 40]))
        fate = draw.choice(
            ["pair"] * 6 + ["movement", "line", "keyless", "crossed", "double", "wrong", "refund", "twice"]
        )
        ref = f"op_CAPTURE_{payment_id}_1"
        if fate != "line":
            lake.movement(payment_id, amount, at=at)
        if fate == "double":
            lake.movement(payment_id, amount, at=at + timedelta(seconds=9), operation_ref=ref, sequence=2)
        if fate == "keyless":
            lake.line(f"t{payment_id}", amount, gateway_ref=None, payment_ref=None, at=at + shift)
        elif fate == "crossed":
            lake.line(f"t{payment_id}", amount, payment_id=payment_id + 1, operation_ref=ref, at=at + shift)
        elif fate != "movement":
            theirs = amount + (7 if fate == "wrong" else 0)
            lake.line(f"t{payment_id}", theirs, payment_id=payment_id, operation_ref=ref, at=at + shift)
        if fate == "twice":
            lake.line(f"u{payment_id}", amount, payment_id=payment_id, operation_ref="again", at=at + timedelta(days=1))
        if fate == "refund":
            lake.movement(payment_id, 100, step="REFUND", at=at + timedelta(hours=30))
            lake.line(f"r{payment_id}", -100, kind="refund", payment_id=payment_id, at=at + timedelta(hours=30) + shift)
    return lake


@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.nightly), pytest.param(3, marks=pytest.mark.nightly)]
)
def test_daily_cohorts_add_up_to_the_lake(tmp_path: Path, seed: int) -> None:
    root = tmp_path
    lake = messy_lake(seed)
    path = lake.write(root / "lake")
    results = [
        run(path, root, as_of=(DAY + timedelta(days=offset)).date().isoformat(), known_at=KNOWN)
        for offset in range(6, 15)
    ]
    assert _sum(results, "ledger_minor") == sum(
        (1 if e["direction"] == "D" else -1) * e["amount_minor"]
        for e in lake.rows["ledger_entries"]
        if e["account"].startswith("gateway_clearing")
    )
    assert _sum(results, "gateway_minor") == sum(line["gross_minor"] for line in lake.rows["settlement_lines"])
    claimed = Counter(line for result in results for _, line in pairs(result))
    assert max(claimed.values(), default=0) <= 1, f"seed {seed}: a line was claimed in two cohorts"
    subjects = Counter(
        (row["subject_id"], row["currency"])
        for result in results
        for row in rows(result)
        if row["subject_kind"] in ("movement", "line") and row["class"] != "suggested_match"
    )
    assert max(subjects.values(), default=0) <= 1, f"seed {seed}: one subject in two cohorts or classes"


def _sum(results: list[RunResult], name: str) -> int:
    return sum(total[name] for result in results for total in result.summary["totals"])
