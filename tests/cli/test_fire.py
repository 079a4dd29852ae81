"""`recon fire` does by hand what a schedule's firing does, once, and says how it ended."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recon.cli.app import build
from recon.errors import Refused
from tests.house.tree import ROOT

SAMPLE = ROOT / "notebooks" / "sample" / "lake"
DUE = {"--window": "T+7", "--scheduled-at": "2026-03-13T06:00:00Z"}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """The notebooks' own lake, to be written to."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "lake"))


def fire(lake: Path, options: dict[str, str], *more: str) -> Result:
    """The command."""
    words = [word for pair in {"--lake": str(lake), "--runs": str(lake.with_name("runs")), **options}.items()
             for word in pair]
    return CliRunner().invoke(build(["fire"]), ["fire", *words, *more])


def written(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file()}


def test_a_firing_runs_registers_and_tells_and_a_second_one_changes_nothing(lake: Path) -> None:
    first = fire(lake, DUE)
    assert first.exit_code == 0, first.output
    assert "T+7 as of 2026-03-13: ok" in first.output
    assert "To look into it:" in first.output
    runs = lake.with_name("runs")
    state = json.loads((runs / "T7/2026-03-13/run.json").read_text())
    folder = runs / state["attempts"][0]["folder"]
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["run_id"] == state["attempts"][0]["run_id"] == state["followed"][0]
    assert (lake / "recon_runs" / f"{summary['run_id']}.parquet").is_file()
    told = [json.loads(path.read_text())["message"] for path in (runs / "flags/messages").iterdir()]
    assert told
    before = written(runs), written(lake)
    second = fire(lake, DUE, "--json")
    assert second.exit_code == 0
    assert json.loads(second.stdout)["outcome"] == "already"
    assert (written(runs), written(lake)) == before


@pytest.mark.parametrize("options, said", [
    ({**DUE, "--window": "T+8"}, "window of the event is 'T\\+8'; accepted: hourly, T\\+7, T\\+14, T\\+30"),
    ({**DUE, "--scheduled-at": "2026-02-30T06:00:00Z"}, "does not exist"),
    ({**DUE, "--as-of": "2026-04-31"}, "'2026-04-31' does not exist"),
    ({**DUE, "--as-of": "2026-03-14"}, "lies after scheduled_at"),
    ({**DUE, "--topic": "flags"}, "no SNS topic; accepted: its ARN"),
    ({**DUE, "--engine": "oracle"}, "engine 'oracle' is unknown; accepted: duckdb, athena, trino"),
    ({**DUE, "--runs": "gs://elsewhere"}, "no place to write to"),
])
def test_what_cannot_be_is_refused_before_anything_is_written(lake: Path, options: dict[str, str], said: str) -> None:
    done = fire(lake, options)
    assert isinstance(done.exception, Refused)
    assert done.exception.exit_code == 2
    with pytest.raises(Refused, match=said):
        raise done.exception
    assert not lake.with_name("runs").exists()
    assert written(lake) == written(SAMPLE)


def test_a_run_that_is_refused_is_kept_and_told(lake: Path) -> None:
    shutil.rmtree(lake / "ledger_entries")
    done = fire(lake, DUE)
    assert isinstance(done.exception, Refused)
    assert "no table ledger_entries" in str(done.exception)
    runs = lake.with_name("runs")
    half_run = json.loads((runs / "T7/2026-03-13/2026-03-13T060000Z.failed/reconciliation.ipynb").read_text())
    assert "This run failed and does not count" in "".join(half_run["cells"][0]["source"])
    [told] = [json.loads(path.read_text())["message"] for path in (runs / "flags/messages").iterdir()]
    assert (told["kind"], told["cause"]["class"]) == ("failed", "run_failed")
    # A second try fails as well, and nobody is told twice.
    fire(lake, DUE)
    assert len(list((runs / "flags/messages").iterdir())) == 1
