"""A perfect run scores 1.000; every kind of mistake lowers the score; strange runs are refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from recon.cli.app import build
from recon.errors import Refused
from recon.worlds.score import World, line_id, score

Change = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def _same(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return rows


def _run(
    world: Path, out: Path, turn: int = 0, *, rows: Change = _same, claims: Change = _same, unexplained: int = 0
) -> Path:
    """The folder of a run that found the truth of the world's run number `turn`, changed on the way."""
    about = json.loads((world / "world.json").read_text())["runs"][turn]
    out.mkdir(parents=True)
    truth = [r for r in pq.read_table(world / "truth" / "divergences.parquet").to_pylist() if _is_of(r, about)]
    matches = [r for r in pq.read_table(world / "truth" / "matches.parquet").to_pylist() if _is_of(r, about)]
    made = [
        {
            "journal_id": r["journal_id"],
            "line_id": line_id(r["gateway"], r["gateway_account"], r["native_id"]),
            "rule": "x",
        }
        for r in matches
    ]
    schema = pq.read_schema(world / "truth" / "divergences.parquet")
    pq.write_table(pa.Table.from_pylist(rows(truth), schema=schema), out / "divergences.parquet")
    columns = pa.schema([(name, pa.string()) for name in ("journal_id", "line_id", "rule")])
    pq.write_table(pa.Table.from_pylist(claims(made), schema=columns), out / "matches.parquet")
    totals = [{"unexplained_minor": unexplained}, {"unexplained_minor": -unexplained}]
    summary = {name: about[name] for name in ("window", "as_of", "known_at")} | {"totals": totals}
    (out / "summary.json").write_text(json.dumps(summary))
    listed = pq.read_table(world / "lake" / "lake_files" / "part-0.parquet").to_pylist()[:50]
    files = [{name: row[name] for name in ("table", "path", "digest")} for row in listed]
    files.append({"table": "feed_files", "path": "feed_files/made-later.parquet", "digest": "x"})
    (out / "manifest.json").write_text(json.dumps({"lake": {"files": files}}))
    return out


def _is_of(row: dict[str, Any], about: dict[str, Any]) -> bool:
    as_of = row["as_of"].isoformat(timespec="seconds") + "Z"
    return (row["window"], as_of) == (about["window"], about["as_of"])


def test_a_perfect_run_scores_one(world: Path, tmp_path: Path) -> None:
    runs = [_run(world, tmp_path / str(turn), turn) for turn in range(12)]
    result = score(World.open(world), runs).to_dict()
    assert (result["precision"], result["recall"]) == (1.0, 1.0)
    assert (result["false_matches"], result["missed_matches"], result["unexplained_minor"]) == (0, 0, 0)
    assert any(tally is None for tally in result["classes"].values())
    assert all(t is None or t["false_positive"] == t["false_negative"] == 0 for t in result["classes"].values())


def _first_moved(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rows[0] | {"diff_minor": rows[0]["diff_minor"] + 1}, *rows[1:]]


@pytest.mark.parametrize(
    ("change", "false", "missed"),
    [
        (lambda rows: rows[1:], 0, 1),
        (lambda rows: [*rows, rows[0]], 1, 0),
        (_first_moved, 1, 1),
        (lambda rows: [rows[0] | {"class": "payout_missing", "subject_id": "batch:x"}, *rows[1:]], 1, 1),
        (lambda rows: [rows[0] | {"currency": "CHF"}, *rows[1:]], 1, 1),
        (lambda rows: [*rows, rows[0] | {"class": "fee_variance"}], 0, 0),
    ],
)
def test_every_mistake_costs(world: Path, tmp_path: Path, change: Change, false: int, missed: int) -> None:
    total = score(World.open(world), [_run(world, tmp_path / "run", rows=change)]).total
    assert (total.false_positive, total.false_negative) == (false, missed)
    assert (total.precision == 1.0) is (false == 0)
    assert (total.recall == 1.0) is (missed == 0)


def test_matches_and_unexplained_are_counted(world: Path, tmp_path: Path) -> None:
    run = _run(world, tmp_path / "run", claims=lambda made: [made[0] | {"line_id": "f" * 64}, *made[2:]], unexplained=5)
    result = score(World.open(world), [run])
    assert (result.false_matches, result.missed_matches, result.unexplained_minor) == (1, 2, 10)


def test_a_run_that_the_world_does_not_list_is_refused(world: Path, tmp_path: Path) -> None:
    run = _run(world, tmp_path / "run")
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(summary | {"known_at": "2026-04-01T00:00:00Z"}))
    with pytest.raises(Refused, match="the world has no run"):
        score(World.open(world), [run])


def test_a_run_of_another_lake_is_refused(world: Path, tmp_path: Path) -> None:
    run = _run(world, tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["lake"]["files"][7]["digest"] = "0" * 64
    (run / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Refused, match="another lake"):
        score(World.open(world), [run])
    (run / "manifest.json").write_text(json.dumps({"lake": {"files": []}}))
    with pytest.raises(Refused, match="lists no lake objects"):
        score(World.open(world), [run])


def test_the_same_run_twice_is_refused(world: Path, tmp_path: Path) -> None:
    run = _run(world, tmp_path / "run")
    with pytest.raises(Refused, match="given twice"):
        score(World.open(world), [run, shutil.copytree(run, tmp_path / "copy")])


@pytest.mark.parametrize("missing", ["summary.json", "manifest.json", "divergences.parquet", "matches.parquet"])
def test_an_unfinished_run_is_refused_by_name(world: Path, tmp_path: Path, missing: str) -> None:
    run = _run(world, tmp_path / "run")
    (run / missing).unlink()
    with pytest.raises(Refused, match=f"{missing} is not there"):
        score(World.open(world), [run])


def test_a_folder_that_is_no_world_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"world\.json is not there"):
        World.open(tmp_path)


def test_the_command_prints_a_table_or_json(world: Path, tmp_path: Path) -> None:
    run = _run(world, tmp_path / "run")
    arguments = ["score", "--world", str(world), "--run", str(run)]
    told = CliRunner().invoke(build(), arguments)
    assert told.exit_code == 0
    assert "precision" in told.stdout
    assert "1.000" in told.stdout
    result = json.loads(CliRunner().invoke(build(), [*arguments, "--json"]).stdout)
    assert set(result) == {"precision", "recall", "false_matches", "missed_matches", "unexplained_minor", "classes"}
