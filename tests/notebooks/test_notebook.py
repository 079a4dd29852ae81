"""Notebooks ask questions and make calls; their committed outputs are true; every way to run one gives the same."""

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
import pytest

from recon.schedule import papermilled, record
from recon.schedule.parameters import TAG, declared
from recon.schedule.runner import LATENCY, NOTEBOOK

ROOT = NOTEBOOK.parents[1]
LAKE = NOTEBOOK.parent / "sample" / "lake"
MEASURED = NOTEBOOK.parent / "sample" / "latency"
CELLS_MAX, LINES_MAX = 12, 150
SAMPLE_BYTES_MAX = {LAKE: 1_500_000, MEASURED: 80_000}
EACH = pytest.mark.parametrize("notebook", [NOTEBOOK, LATENCY], ids=lambda path: path.stem)


def _notebook(path: Path = NOTEBOOK) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _code(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in _notebook(path)["cells"] if cell["cell_type"] == "code"]


def _as_of() -> str:
    return next(str(parameter.default) for parameter in declared(NOTEBOOK) if parameter.name == "as_of")


@EACH
def test_it_is_short_and_every_call_follows_a_question(notebook: Path) -> None:
    cells = _notebook(notebook)["cells"]
    assert len(_code(notebook)) <= CELLS_MAX
    assert sum(source.count("\n") + 1 for source in _code(notebook)) <= LINES_MAX
    for before, cell in pairwise(cells):
        if cell["cell_type"] == "code" and TAG not in cell["metadata"].get("tags", []):
            assert before["cell_type"] == "markdown"
            assert "?" in "".join(before["source"]).splitlines()[0]


@EACH
def test_it_imports_only_recon_and_dashboards(notebook: Path) -> None:
    tree = ast.parse("\n".join(_code(notebook)))
    imported = {(node.module or "") for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {name.split(".")[0] for name in imported} == {"recon", "dashboards"}


@EACH
def test_it_holds_no_logic(notebook: Path) -> None:
    logic = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.BinOp)
    tree = ast.parse("\n".join(_code(notebook)))
    assert [type(node).__name__ for node in ast.walk(tree) if isinstance(node, logic)] == []


@EACH
def test_its_last_cell_writes_the_run_record(notebook: Path) -> None:
    assert _code(notebook)[-1] == "notebook.finish(run, out)"


@EACH
def test_its_outputs_are_plotly_data_and_html_alone(notebook: Path) -> None:
    outputs = [output for cell in _notebook(notebook)["cells"] for output in cell.get("outputs", ())]
    assert {kind for output in outputs for kind in output.get("data", {"stream": 0})} == {
        "application/vnd.plotly.v1+json", "text/html"}  # fmt: skip


@pytest.mark.parametrize("lake", SAMPLE_BYTES_MAX, ids=lambda path: path.name)
def test_the_bundled_lake_stays_small(lake: Path) -> None:
    assert sum(path.stat().st_size for path in lake.rglob("*.parquet")) < SAMPLE_BYTES_MAX[lake]


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


def test_every_way_to_measure_leaves_the_same(tmp_path: Path) -> None:
    values = {parameter.name: str(parameter.default) for parameter in declared(LATENCY)}
    given = {"since": values["since"], "until": values["until"], "gateway": "all", "lake": str(MEASURED)}
    _papermill(given, tmp_path / "papermill", LATENCY)
    _recon(["latency"], given, tmp_path / "recon")
    folders = [tmp_path / name for name in ("papermill", "recon")]
    assert len({(folder / "latency.parquet").read_bytes() for folder in folders}) == 1
    assert len({json.dumps(_timeless(folder), sort_keys=True) for folder in folders}) == 1
    leaves = record.LATENCY
    assert sorted(path.name for path in folders[1].iterdir()) == sorted([*leaves.files, *leaves.reports])
    executed = json.loads((folders[1] / "latency.ipynb").read_text(encoding="utf-8"))
    assert record.check(executed, folders[1], leaves.files).status == "ok"
    assert set(pq.read_table(folders[1] / "latency.parquet")["measure"].to_pylist()) == {
        "end_to_end", "step", "gateway_call", "in_doubt", "recovery"}  # fmt: skip


@EACH
def test_committed_outputs_are_still_true(notebook: Path, tmp_path: Path) -> None:
    shutil.copytree(NOTEBOOK.parent, tmp_path / "notebooks", ignore=shutil.ignore_patterns("last", ".*"))
    options = ["-q", "-o", "addopts=", "-o", "filterwarnings=", "-p", "no:cacheprovider", "--nbval",
               "--nbval-current-env"]  # fmt: skip
    command = [sys.executable, "-m", "pytest", *options, "--nbval-sanitize-with", "sanitize.cfg", notebook.name]
    done = subprocess.run(command, cwd=tmp_path / "notebooks", env={**os.environ, "PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, (
        f"{done.stdout[-4000:]}{done.stderr[-2000:]}\nif the change is meant: python -m recon.schedule.refresh"
    )


def _papermill(given: dict[str, str], out: Path, notebook: Path = NOTEBOOK) -> None:
    pairs = [word for name, value in {**given, "out": str(out)}.items() for word in ("-p", name, value)]
    subprocess.run([sys.executable, "-m", "papermill", str(notebook), str(out) + ".ipynb", *pairs, "--no-progress-bar"],
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
    _recon(["run"], given, out)


def _recon(command: list[str], given: dict[str, str], out: Path) -> None:
    options = {f"--{name.replace('_', '-')}": value for name, value in {**given, "out": str(out)}.items()}
    words = [word for option in options.items() for word in option]
    done = subprocess.run([sys.executable, "-m", "recon.cli.app", *command, *words, "--json"], cwd=out.parent,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode in (0, 3), done.stderr
    assert done.stderr == "", "a run is quiet in a pipe"
    assert json.loads(done.stdout) == json.loads((out / "summary.json").read_text(encoding="utf-8"))


def _timeless(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary.pop("seconds")
    return summary
