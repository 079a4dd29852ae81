"""Executes the committed notebooks with their own defaults and keeps the outputs: `python -m recon.schedule.refresh`.

Names such as `latency` after it leave the others out.

To be run after anything that changes what the bundled sample shows; `pytest --nbval` then finds the outputs true.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from recon.schedule import clean, papermilled
from recon.schedule.runner import LATENCY, NOTEBOOK


def refresh(notebook: Path = NOTEBOOK) -> None:
    """Replace the outputs of `notebook` in place. Raises RunFailed when a cell fails."""
    with tempfile.TemporaryDirectory(prefix="recon-") as scratch:
        executed = papermilled.execute(notebook, {}, Path(scratch), os.environ, folder=notebook.parent)
    tidy = clean.normalise(executed, parameters={}, paths={}, hidden=())
    del tidy["metadata"]["papermill"]
    outputs = [output for cell in tidy["cells"] for output in cell.get("outputs", ())]
    if errors := [output for output in outputs if output["output_type"] == "error"]:
        sys.exit(f"{notebook.name} failed: {json.dumps(errors[0]['evalue'])}")
    notebook.write_text(clean.dump(tidy), encoding="utf-8")


if __name__ == "__main__":
    for committed in (NOTEBOOK, LATENCY):
        if not sys.argv[1:] or committed.stem in sys.argv[1:]:
            refresh(committed)
