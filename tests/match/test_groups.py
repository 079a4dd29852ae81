"""Twins are never guessed: lines without keys are grouped, suggested, or missing; cohorts each get their part."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

from tests.factories.lake import LakeBuilder
from tests.factories.lake_control import DAY
from tests.match.harness import pairs, rows, run, said

NIGHT = DAY + timedelta(hours=23, minutes=59, seconds=55)


def keyless(lake: LakeBuilder, native_id: str, amount_minor: int, **more: object) -> str:
    return lake.line(native_id, amount_minor, gateway_ref=None, payment_ref=None, **more)  # type: ignore[arg-type]


def test_one_to_one_by_amount_alone_is_only_suggested(tmp_path: Path) -> None:
    lake = LakeBuilder()
    journal = lake.movement(1, 1000)
    keyless(lake, "t1", 1000)
    result = run(lake, tmp_path)
    assert said(result) == [("suggested_match", f"movement:{journal}", 0)]
    assert pairs(result) == set()


def test_two_movements_and_one_line_are_one_group_with_its_difference(tmp_path: Path) -> None:
    lake = LakeBuilder()
    one, two = lake.movement(1, 1000), lake.movement(2, 1000)
    subject = keyless(lake, "t1", 1000)
    [row] = rows(run(lake, tmp_path))
    members = sorted([f"movement:{one}", f"movement:{two}", subject])
    assert row["class"] == "ambiguous_match"
    assert row["subject_id"] == "group:" + hashlib.sha256("\n".join(members).encode()).hexdigest()
    assert (row["ledger_minor"], row["gateway_minor"], row["diff_minor"], row["identity_minor"]) == (
        2000,
        1000,
        1000,
        1000,
    )


def test_two_days_is_the_reach(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.movement(1, 1000, at=DAY)
    keyless(lake, "t1", 1000, at=DAY + timedelta(days=2, milliseconds=1))
    assert [row[0] for row in said(run(lake, tmp_path / "out"))] == ["missing_at_gateway"]
    lake = LakeBuilder()
    lake.movement(1, 1000, at=DAY)
    keyless(lake, "t1", 1000, at=DAY + timedelta(days=2))
    assert [row[0] for row in said(run(lake, tmp_path / "in"))] == ["suggested_match"]


def test_another_kind_currency_or_amount_is_no_candidate(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.movement(1, 1000)
    keyless(lake, "t1", 1001)
    keyless(lake, "t2", 1000, currency="USD")
    keyless(lake, "t3", -1000, kind="refund")
    assert [row[0] for row in said(run(lake, tmp_path))] == [
        "missing_at_gateway",
        "missing_in_ledger",
        "missing_in_ledger",
        "refund_missing_in_ledger",
    ]


def test_a_line_without_keys_never_takes_a_movement_that_has_its_own_line(tmp_path: Path) -> None:
    lake = LakeBuilder()
    journal = lake.pair(1, 1000)
    subject = keyless(lake, "t2", 1000)
    result = run(lake, tmp_path)
    assert said(result) == [("missing_in_ledger", subject, -1000)]
    assert pairs(result) == {(journal, "txn_CAPTURE_1")}


def test_a_group_over_two_cohorts_has_a_part_in_each(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.movement(1, 1000, at=NIGHT)
    lake.movement(2, 1000, at=NIGHT)
    for native_id in ("t1", "t2"):
        keyless(lake, native_id, 1000, at=NIGHT + timedelta(seconds=10))
    path = lake.write(tmp_path / "lake")
    first, second = run(path, tmp_path), run(path, tmp_path, as_of="2026-03-18")
    assert [row["diff_minor"] for row in rows(first)] == [2000]
    assert [row["diff_minor"] for row in rows(second)] == [-2000]
    assert rows(first)[0]["subject_id"] == rows(second)[0]["subject_id"]


def test_a_suggestion_over_midnight_explains_both_cohorts(tmp_path: Path) -> None:
    lake = LakeBuilder()
    journal = lake.movement(1, 1000, at=NIGHT)
    keyless(lake, "t1", 1000, at=NIGHT + timedelta(seconds=10))
    path = lake.write(tmp_path / "lake")
    assert said(run(path, tmp_path)) == [("suggested_match", f"movement:{journal}", 1000)]
    assert said(run(path, tmp_path, as_of="2026-03-18")) == [("suggested_match", f"movement:{journal}", -1000)]


def test_what_waits_is_no_candidate(tmp_path: Path) -> None:
    """Before its line is due a movement waits; a line without keys is not pinned on it."""
    lake = LakeBuilder()
    lake.movement(1, 1000)
    subject = keyless(lake, "t1", 1000)
    lake.rows["feed_files"][0]["received_at"] = DAY
    result = run(lake, tmp_path, window="hourly", as_of=(DAY + timedelta(hours=11)).isoformat())
    assert said(result) == [("missing_in_ledger", subject, -1000)]
