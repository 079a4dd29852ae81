"""The notebook asks questions and makes calls; its committed outputs are true; every way to run it gives the same."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from recon.schedule import papermilled, record
from recon.schedule.parameters import TAG, declared
from recon.schedule.runner import NOTEBOOK

ROOT = NOTEBOOK.parents[1]
LAKE = NOTEBOOK.parent / "sample" / "lake"
CELLS_MAX, LINES_MAX = 12, 150
SAMPLE_BYTES_MAX = 1_500_000


def _notebook() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return content


def _code() -> list[str]:
    return ["".join(cell["source"]) for cell in _notebook()["cells"] if cell["cell_type"] == "code"]


def _as_of() -> str:
    return next(str(parameter.default) for parameter in declared(NOTEBOOK) if parameter.name == "as_of")


def test_it_is_short_and_every_call_follows_a_question() -> None:
    cells = _notebook()["cells"]
    assert len(_code()) <= CELLS_MAX
    assert sum(source.count("\n") + 1 for source in _code()) <= LINES_MAX
    for before, cell in pairwise(cells):
        if cell["cell_type"] == "code" and TAG not in cell["metadata"].get("tags", []):
            assert before["cell_type"] == "markdown"
            assert "?" in "".join(before["source"]).splitlines()[0]


def test_it_imports_only_recon_and_dashboards() -> None:
    tree = ast.parse("\n".join(_code()))
    imported = {(node.module or "") for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {name.split(".")[0] for name in imported} == {"recon", "dashboards"}


def test_it_holds_no_logic() -> None:
    logic = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.BinOp)
    assert [type(node).__name__ for node in ast.walk(ast.parse("\n".join(_code()))) if isinstance(node, logic)] == []


def test_its_last_cell_writes_the_run_record() -> None:
    assert _code()[-1] == "notebook.finish(run, out)"


def test_its_outputs_are_plotly_data_and_html_alone() -> None:
    outputs = [output for cell in _notebook()["cells"] for output in cell.get("outputs", ())]
    assert {kind for output in outputs for kind in output.get("data", {"stream": 0})} == {
        "application/vnd.plotly.v1+json", "text/html"}  # fmt: skip


def test_the_bundled_lake_stays_small() -> None:
    assert sum(path.stat().st_size for path in LAKE.rglob("*.parquet")) < SAMPLE_BYTES_MAX


def test_every_way_to_run_it_leaves_the_same(tmp_path: Path) -> None:
    given = {"window": "T+7", "as_of": _as_of(), "lake": str(LAKE), "engine": "duckdb"}
    _papermill(given, tmp_path / "papermill")
    _run_all(given, tmp_path / "jupyter")
    _recon_run(given, tmp_path / "recon")
    folders = [tmp_path / name for name in ("papermill", "jupyter", "recon")]
    for name in ("divergences.parquet", "matches.parquet", "manifest.json"):
        assert len({(folder / name).read_bytes() for folder in folders}) == 1, name
    assert len({json.dumps(_timeless(folder), sort_keys=True) for folder in folders}) == 1
    assert sorted(path.name for path in folders[2].iterdir()) == sorted([*record.FILES, *record.REPORTS])
    assert len(set(pq.read_table(folders[2] / "divergences.parquet")["class"].to_pylist())) > 12
    executed = json.loads((folders[2] / "reconciliation.ipynb").read_text(encoding="utf-8"))
    assert record.check(executed, folders[2]).status == _timeless(folders[2])["status"]
    assert str(tmp_path) not in json.dumps(executed).replace(str(tmp_path / "recon"), "")


def test_committed_outputs_are_still_true(tmp_path: Path) -> None:
    shutil.copytree(NOTEBOOK.parent, tmp_path / "notebooks", ignore=shutil.ignore_patterns("last", ".*"))
    options = ["-q", "-o", "addopts=", "-o", "filterwarnings=", "-p", "no:cacheprovider", "--nbval",
               "--nbval-current-env"]  # fmt: skip
    command = [sys.executable, "-m", "pytest", *options, "--nbval-sanitize-with", "sanitize.cfg", NOTEBOOK.name]
    done = subprocess.run(command, cwd=tmp_path / "notebooks", env={**os.environ, "PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, (
        f"{done.stdout[-4000:]}{done.stderr[-2000:]}\nif the change is meant: python -m recon.schedule.refresh"
    )


def _papermill(given: dict[str, str], out: Path) -> None:
    pairs = [word for name, value in {**given, "out": str(out)}.items() for word in ("-p", name, value)]
    subprocess.run([sys.executable, "-m", "papermill", str(NOTEBOOK), str(out) + ".ipynb", *pairs, "--no-progress-bar"],
                   cwd=ROOT, check=True, capture_output=True)  # fmt: skip


def _run_all(given: dict[str, str], out: Path) -> None:
    papermilled._load()
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    cell = next(cell for cell in notebook.cells if TAG in cell.metadata.get("tags", []))
    cell.source += "".join(f"\n{name} = {value!r}" for name, value in {**given, "out": str(out)}.items())
    NotebookClient(notebook, resources={"metadata": {"path": str(NOTEBOOK.parent)}}, kernel_name="python3").execute()


def _recon_run(given: dict[str, str], out: Path) -> None:
    options = {f"--{name.replace('_', '-')}": value for name, value in {**given, "out": str(out)}.items()}
    words = [word for option in options.items() for word in option]
    done = subprocess.run([sys.executable, "-m", "recon.cli.app", "run", *words, "--json"], cwd=out.parent,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode in (0, 3), done.stderr
    assert done.stderr == "", "a run is quiet in a pipe"
    assert json.loads(done.stdout) == json.loads((out / "summary.json").read_text(encoding="utf-8"))


def _timeless(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary.pop("seconds")
    return summary
