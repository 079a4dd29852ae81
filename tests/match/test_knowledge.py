"""What was known when: repeats are byte-identical, manifests hold, and a window without data is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from recon.errors import Refused
from recon.match.output import FILES, write
from tests.factories.lake import LakeBuilder
from tests.factories.lake_control import DAY
from tests.match.harness import pending, run, said

LATE = DAY + timedelta(days=10)


def lake_with_a_late_file() -> LakeBuilder:
    lake = LakeBuilder()
    lake.rows["feed_files"].clear()
    lake.feed("file-1", DAY, DAY + timedelta(days=1), received_at=LATE)
    lake.pair(1, 1000)
    lake.movement(2, 500)
    return lake


def test_what_landed_later_is_left_out_and_counted(tmp_path: Path) -> None:
    path = lake_with_a_late_file().write(tmp_path / "lake")
    then = run(path, tmp_path)
    assert ([row[0] for row in said(then)], pending(then)) == (["feed_late"], 1500)
    now = run(path, tmp_path, known_at=(LATE + timedelta(hours=1)).isoformat())
    assert [row[0] for row in said(now)] == ["missing_at_gateway"]
    assert now.matches.num_rows == 1
    assert then.summary["later_files"] > now.summary["later_files"]


def test_a_repeat_on_the_same_knowledge_is_byte_identical_after_more_has_landed(tmp_path: Path) -> None:
    lake = lake_with_a_late_file()
    path = lake.write(tmp_path / "lake")
    write(run(path, tmp_path), tmp_path / "first")
    lake.feed("file-2", DAY + timedelta(days=1), DAY + timedelta(days=2), received_at=LATE)
    lake.line("t9", 77, payment_id=9, at=DAY + timedelta(days=1, hours=2), file_id="file-2")
    lake.write(path)
    write(run(path, tmp_path), tmp_path / "second")
    for name in FILES[:2]:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


@pytest.mark.property(75)
def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = lake_with_a_late_file().write(tmp_path / "lake")
    for name in ("first", "second"):
        write(run(path, tmp_path), tmp_path / name)
    for name in (*FILES[:2], "manifest.json"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
    summaries = [json.loads((tmp_path / name / "summary.json").read_text()) for name in ("first", "second")]
    assert all(summary.pop("seconds") for summary in summaries)
    assert summaries[0] == summaries[1]


def test_a_manifest_repeats_a_run_and_refuses_changed_or_lost_objects(tmp_path: Path) -> None:
    path = lake_with_a_late_file().write(tmp_path / "lake")
    write(run(path, tmp_path, known_at=LATE.isoformat()), tmp_path / "first")
    manifest = str(tmp_path / "first" / "manifest.json")
    write(run(path, tmp_path, manifest=manifest), tmp_path / "again")
    for name in (*FILES[:2], "manifest.json"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    with pytest.raises(Refused, match="not T\\+7 as of 2026-03-18"):
        run(path, tmp_path, as_of="2026-03-18", manifest=manifest)
    entry = next(path.glob("ledger_entries/*/*/*.parquet"))
    entry.write_bytes(entry.read_bytes() + b"x")
    with pytest.raises(Refused, match="changed since"):
        run(path, tmp_path, manifest=manifest)
    entry.unlink()
    with pytest.raises(Refused, match="which the lake has not"):
        run(path, tmp_path, manifest=manifest)


def test_a_window_without_any_data_is_refused_by_name(tmp_path: Path) -> None:
    path = lake_with_a_late_file().write(tmp_path / "lake")
    with pytest.raises(Refused, match=r"has nothing of T\+7 as of 2027-01-01.*it holds dt=2026-03-"):
        run(path, tmp_path, as_of="2027-01-01")


def test_a_lake_without_the_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    with pytest.raises(Refused, match="no table ledger_entries"):
        run(tmp_path / "lake", tmp_path)


def test_an_object_lost_from_the_lake_is_named(tmp_path: Path) -> None:
    path = lake_with_a_late_file().write(tmp_path / "lake")
    lost = next(path.glob("ledger_entries/dt=2026-03-10/*/*.parquet"))
    lost.unlink()
    result = run(path, tmp_path)
    assert result.summary["lost_objects"] == [lost.relative_to(path).as_posix()]
    assert "lake_gap" in result.summary["classes"]
