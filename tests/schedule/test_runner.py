"""A run counts only when its last cell wrote the run record; every other end is a failure that leaves the old state."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from recon.schedule import papermilled, runner
from recon.schedule.parameters import BadParameters
from recon.schedule.place import BadPlace
from recon.schedule.record import FILES, REPORTS, RunFailed
from recon.schedule.runner import RefusedInside

Make = Callable[..., Path]


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a kernel would be started."""
    monkeypatch.setattr(papermilled, "execute", lambda *_: pytest.fail("a kernel was started"))


@pytest.mark.usefixtures("nothing_starts")
def test_bad_parameters_and_places_are_refused_before_a_kernel_starts(notebook: Make, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(BadParameters, match=r"parameter ot is unknown .*is out meant"):
        runner.run({"ot": "x", "lake": "y"}, notebook=notebook("1"))
    with pytest.raises(BadPlace, match=r"notes\.txt"):
        runner.run({"out": str(tmp_path / "mine"), "lake": "y"}, notebook=notebook("1"))
    with pytest.raises(BadPlace, match="inside the lake"):
        runner.run({"out": str(tmp_path / "lake" / "x"), "lake": str(tmp_path / "lake")}, notebook=notebook("1"))
    with pytest.raises(BadPlace, match=r"--out is an address \(s3://\.\.\.\); results go to a folder"):
        runner.run({"out": "s3://bucket/x", "lake": "y"}, notebook=notebook("1"))
    assert not list(tmp_path.glob("*.failed"))


def _fails(notebook: Path, tmp_path: Path, error: type[RunFailed]) -> tuple[str, str]:
    """The message and the kept notebook of a run that must fail over an earlier result."""
    out = tmp_path / "run"
    out.mkdir()
    (out / FILES[0]).write_text("earlier", encoding="utf-8")
    with pytest.raises(error) as failed:
        runner.run({"out": str(out), "lake": "y"}, notebook=notebook)
    assert [path.name for path in out.iterdir()] == [FILES[0]], "the earlier result stays"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run.failed", "small.ipynb"]
    return str(failed.value), (tmp_path / "run.failed" / REPORTS[0]).read_text(encoding="utf-8")


def test_an_early_exit_is_a_failure_and_secrets_stay_outside(
    notebook: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "correct-horse-battery")
    monkeypatch.setenv("HOME", str(tmp_path / "no-home"))
    leak = "import os, sys\nprint(os.environ.get('DB_PASSWORD'), 'correct-' + 'horse-battery', os.getcwd())"
    message, kept = _fails(notebook(leak, "sys.exit()", "print('never')"), tmp_path, RunFailed)
    assert "before its last cell wrote the run record" in message
    cells = json.loads(kept)["cells"]
    assert "This run failed" in cells[0]["source"]
    printed = "".join(output.get("text", "") for cell in cells[1:] for output in cell["outputs"])
    assert printed.startswith("None [removed] ./work"), printed
    assert "correct-horse-battery" not in kept
    assert "never" not in printed
    assert "start_time" not in kept


def test_a_refusal_in_a_cell_ends_2_with_its_plain_message(notebook: Make, tmp_path: Path) -> None:
    refuse = "from recon.schedule.notebook import Refusal\nraise Refusal('lake ' + lake + ' has no table x')"
    message, kept = _fails(notebook(refuse, "1"), tmp_path, RefusedInside)
    assert message.startswith("lake y has no table x"), "a path is told as it was given"
    assert str(tmp_path / "run.failed") in message
    assert RefusedInside.exit_code == 2
    assert "Traceback" not in kept
    assert os.getcwd() not in kept


def test_a_dead_kernel_is_a_failure(notebook: Make, tmp_path: Path) -> None:
    message, _ = _fails(notebook("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "1"), tmp_path, RunFailed)
    assert "kernel died" in message
