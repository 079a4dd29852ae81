"""The same seed gives the same bytes; what is in the way is left alone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import TABLES
from recon.cli.app import build
from recon.errors import Refused
from recon.worlds import build as building
from recon.worlds.build import WorldSpec, build_world
from recon.worlds.lake import fingerprint


def _digests(root: Path) -> dict[str, str]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_same_bytes_and_an_earlier_world_is_replaced(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    build_world(WorldSpec(4, 150, 15), out)
    other = _digests(out)
    build_world(WorldSpec(3, 300, 40), out)
    assert _digests(out) == _digests(world) != other
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_a_folder_that_is_no_world_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Refused, match=r"not empty and has no world\.json"):
        build_world(WorldSpec(1, 100, 12), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_failure_halfway_keeps_the_earlier_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "world"
    build_world(WorldSpec(1, 100, 12), out)
    before = _digests(out)

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(building, "write_truth", broken)
    with pytest.raises(OSError, match="disk full"):
        build_world(WorldSpec(2, 100, 12), out)
    assert _digests(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["world"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seed", "-1", "--payments", "100", "--days", "12"], "--seed -1"),
        (["--seed", "1", "--payments", "99", "--days", "12"], "--payments 99"),
        (["--seed", "1", "--payments", "100", "--days", "11"], "--days 11"),
        (["--seed", "1", "--payments", "100", "--days", "9999"], "from 12 to 366"),
    ],
)
def test_bad_parameters_are_refused_before_anything_is_written(arguments: list[str], said: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(build(), ["world", *arguments, "--out", str(tmp_path / "w")])
    assert isinstance(result.exception, Refused)
    assert result.exception.exit_code == 2
    assert said in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_a_missing_option_ends_with_2(tmp_path: Path) -> None:
    assert CliRunner().invoke(build(), ["world", "--seed", "1", "--out", str(tmp_path / "w")]).exit_code == 2


def test_files_have_the_declared_schema_and_lake_files_lists_them(world: Path) -> None:
    lake = world / "lake"
    listed = pq.read_table(lake / "lake_files" / "part-0.parquet").to_pylist()
    assert {row["table"] for row in listed} == {"ledger_entries", "payment_states", "ledger_control"}
    for row in listed[:: len(listed) // 40]:
        path = lake / row["path"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["digest"]
        rows = pq.ParquetFile(path)
        assert rows.schema_arrow.equals(arrow_schema(TABLES[row["table"]]))
        assert rows.metadata.num_rows == row["rows"]
    on_disk = {str(p.relative_to(lake)) for name in TABLES for p in (lake / name).glob("dt=*/hr=*/*.parquet")}
    assert on_disk == {row["path"] for row in listed}
    about = json.loads((world / "world.json").read_text())
    assert about["lake"] == fingerprint([(row["path"], row["digest"]) for row in listed])
    for name in ("feed_expectations", "business_days"):
        assert pq.read_schema(lake / name / "part-0.parquet").equals(arrow_schema(TABLES[name]))


def test_every_file_has_its_arrival(world: Path) -> None:
    arrivals = json.loads((world / "feeds" / "arrivals.json").read_text())
    assert set(arrivals) == {path.name for path in (world / "feeds").glob("*.csv")}
    assert all(a["covers_from"] < a["covers_until"] < a["received_at"] for a in arrivals.values())


def test_runs_never_ask_beyond_the_last_day(world: Path) -> None:
    about = json.loads((world / "world.json").read_text())
    windows = [run["window"] for run in about["runs"]]
    assert {w: windows.count(w) for w in set(windows)} == {"hourly": 6, "T+7": 2, "T+14": 2, "T+30": 2}
    assert max(run["as_of"] for run in about["runs"]) <= "2026-04-11T00:00:00Z"
