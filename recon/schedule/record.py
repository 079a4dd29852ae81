"""The run record: what a notebook's last cell says it wrote. A run counts only when the record is there and true."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recon.errors import Refused
from recon.latency import output as latency

KEY = "settlement_run_record"
"""Where the record is, in the metadata of the output that shows it."""

FILES = ("divergences.parquet", "matches.parquet", "summary.json", "manifest.json")
"""What the last cell of a reconciliation writes."""

REPORTS = ("reconciliation.ipynb", "reconciliation.html")
"""What the runner adds to it."""


@dataclass(frozen=True, slots=True)
class Leaves:
    """What a notebook leaves: `files` are written by its last cell, summary.json among them; `reports`, the executed
    notebook and its page, are added by the runner."""

    files: tuple[str, ...]
    reports: tuple[str, str]


RECONCILIATION = Leaves(FILES, REPORTS)
LATENCY = Leaves(latency.FILES, ("latency.ipynb", "latency.html"))


class RunFailed(Refused):
    """The notebook did not get to its end; nothing counts, the half-run notebook is kept aside. A fault of ours."""

    exit_code = 70


@dataclass(frozen=True, slots=True)
class Record:
    """A finished run: its id, its status and the digest of every file. Shows itself as the last output."""

    run_id: str
    status: str
    files: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        return {"run_id": self.run_id, "status": self.status, "files": dict(self.files)}

    def _ipython_display_(self) -> None:
        from IPython.display import display

        rows = "".join(f"<tr><td>{html.escape(n)}</td><td><code>{d}</code></td></tr>" for n, d in self.files.items())
        shown = (
            f'<table class="record"><caption>Run {html.escape(self.run_id)}: {html.escape(self.status)}</caption>'
            "<thead><tr><th>file</th><th>SHA-256 (the summary without its seconds)</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )
        display({"text/html": shown}, metadata={KEY: self.as_json()}, raw=True)  # type: ignore[no-untyped-call]


def of(folder: Path, files: Sequence[str] = FILES) -> Record:
    """The record of `files` in `folder`."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return Record(summary["run_id"], summary["status"], {name: _digest(folder / name) for name in files})


def check(notebook: Mapping[str, Any], folder: Path, files: Sequence[str] = FILES) -> Record:
    """The record that the last code cell shows, once `files` in `folder` bear it out. Raises RunFailed."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    outputs = code[-1]["outputs"] if code else []
    said = [output["metadata"][KEY] for output in outputs if KEY in output.get("metadata", {})]
    if not said:
        raise RunFailed("the notebook ended, but its last cell wrote no run record")
    missing = [name for name in files if not (folder / name).is_file()]
    if missing:
        raise RunFailed(f"the run record is there, but not what it records: {', '.join(missing)}")
    found = of(folder, files)
    if said[-1] != found.as_json():
        raise RunFailed(f"the run record is not that of the files it records: it says run {said[-1].get('run_id')}")
    return found


def _digest(path: Path) -> str:
    """Of the file's bytes; of a summary without its seconds, so that equal runs have equal records."""
    if path.name == "summary.json":
        summary = json.loads(path.read_text(encoding="utf-8"))
        summary.pop("seconds", None)
        return hashlib.sha256(json.dumps(summary, sort_keys=True).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
