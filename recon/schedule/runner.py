"""The strict runner: papermill around one notebook, with everything refused that papermill lets pass.

Papermill only warns about an unknown parameter and takes an early exit for a success. Here parameters are checked
against the notebook's own cell before a kernel starts, and a run counts only when its last cell wrote the run record.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recon.errors import Refused
from recon.schedule import clean, html, parameters, place, record, secrets
from recon.schedule.progress import VARIABLE, Progress, Watch
from recon.schedule.record import RECONCILIATION, Leaves, Record, RunFailed

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "reconciliation.ipynb"
LATENCY = NOTEBOOK.with_name("latency.ipynb")


class RefusedInside(RunFailed):
    """A cell refused its input; the message is the cell's own."""

    exit_code = Refused.exit_code


@dataclass(frozen=True, slots=True)
class Ran:
    """A run that counts: where it is and what it recorded."""

    out: Path
    record: Record
    leaves: Leaves = RECONCILIATION

    @property
    def page(self) -> Path:
        """The HTML page of the run."""
        return self.out / self.leaves.reports[1]


Execute = Callable[[Mapping[str, object]], Ran]
"""As run() with its other parameters chosen."""


def run(given: Mapping[str, object], *, notebook: Path = NOTEBOOK, leaves: Leaves = RECONCILIATION,
        progress: Progress | None = None) -> Ran:
    """Execute `notebook` with the parameters `given` and put what it `leaves` into the folder that `out` names.

    Raises BadParameters, BadNotebook or BadPlace before anything starts, RefusedInside with a cell's own refusal and
    RunFailed for any other end. After those two `{out}.failed/` holds the half-run notebook with its error on top.
    """
    declared = parameters.declared(notebook)
    checked = parameters.check(declared, given)
    out = Path(str(checked["out"])).absolute()
    lake = checked.get("lake")
    folder_of_lake = Path(str(lake)) if lake and "://" not in str(lake) else None
    place.check(out, files=(*leaves.files, *leaves.reports), lake=folder_of_lake)
    located = {p.name: _located(checked[p.name]) if p.type == "path" else checked[p.name]
               for p in declared if p.name in checked}  # fmt: skip
    failed = out.with_name(out.name + ".failed")
    with tempfile.TemporaryDirectory(prefix="recon-") as scratch, place.building(out) as folder:
        paths = {str(folder): str(given["out"]), scratch: "."}
        paths |= {str(at): str(checked[name]) for name, at in located.items() if at != checked[name] and name != "out"}
        executed, died = _execute(notebook, {**located, "out": str(folder)}, Path(scratch), progress)
        tidy = clean.normalise(executed, parameters=checked, paths=paths, hidden=secrets.of_this_process())
        try:
            if died:
                raise died
            _raise_for_errors(tidy)
            written = record.check(tidy, folder, leaves.files)
        except RunFailed as error:
            _keep(failed / leaves.reports[0], tidy, error)
            raise type(error)(f"{error}\nthe half-run notebook is kept in {failed}") from None
        (folder / leaves.reports[0]).write_text(clean.dump(tidy), encoding="utf-8")
        (folder / leaves.reports[1]).write_text(html.page(tidy), encoding="utf-8")
    shutil.rmtree(failed, ignore_errors=True)
    return Ran(out, written, leaves)


def _execute(
    notebook: Path, values: Mapping[str, object], scratch: Path, progress: Progress | None
) -> tuple[Mapping[str, Any], RunFailed | None]:
    """The executed notebook, whether it got to its end or not; the notebook as it was where its kernel died."""
    from recon.schedule import papermilled

    stages = scratch / "stages"
    watched = {VARIABLE: str(stages)} if progress else {}
    try:
        with Watch(stages, progress) if progress else nullcontext():
            return papermilled.execute(notebook, values, scratch, {**os.environ, **watched}), None
    except RunFailed as died:
        return json.loads(notebook.read_text(encoding="utf-8")), died


def _raise_for_errors(notebook: Mapping[str, Any]) -> None:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            if output["output_type"] == "error":
                if output["ename"] == "Refusal":
                    raise RefusedInside(output["evalue"])
                where = f"in cell {cell['execution_count']}"
                if output["ename"] == "SystemExit":
                    raise RunFailed(f"the notebook was ended {where}, before its last cell wrote the run record")
                raise RunFailed(f"the notebook failed {where}: {output['ename']}: {output['evalue']}")


def _keep(place_of: Path, notebook: Mapping[str, Any], error: RunFailed) -> None:
    """Put the half-run notebook aside, its error on top."""
    first = {
        "cell_type": "markdown", "id": "run-failed", "metadata": {},
        "source": f"**This run failed and does not count.**\n\n```\n{error}\n```",
    }  # fmt: skip
    cells = [cell for cell in notebook["cells"] if not str(cell["id"]).startswith("error-")]
    with place.building(place_of.parent) as folder:
        (folder / place_of.name).write_text(clean.dump({**notebook, "cells": [first, *cells]}), encoding="utf-8")


def _located(value: object) -> object:
    if not isinstance(value, str) or "://" in value:
        return value
    return str(Path(value).absolute())

