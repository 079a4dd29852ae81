"""The one place that calls papermill. Imported late: it is slow to load, and a refusal must not wait for it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recon.schedule import kernel
from recon.schedule.record import RunFailed


def _load() -> Any:
    """papermill, without the grammar of internationalised addresses that its notebook schema can do without.

    Building that grammar takes two thirds of the whole import, and no notebook schema asks for such an address.
    """
    unused = "rfc3987_syntax"
    absent = unused not in sys.modules
    if absent:
        sys.modules[unused] = None  # type: ignore[assignment]
    try:
        import papermill
    finally:
        if absent:
            del sys.modules[unused]
    return papermill


def execute(
    notebook: Path,
    values: Mapping[str, object],
    scratch: Path,
    environment: Mapping[str, str],
    folder: Path | None = None,
) -> Mapping[str, Any]:
    """Run `notebook` with `values` injected; the executed notebook, errors included.

    The kernel works in `folder`, by default a new one inside `scratch`, where everything else of the run is kept.

    Raises RunFailed when the kernel died or never started.
    """
    papermill = _load()
    from nbclient.exceptions import DeadKernelError

    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    work = folder or scratch / "work"
    work.mkdir(exist_ok=True)
    seen = kernel.environment(scratch, values, environment)
    kept = scratch / "executed.ipynb"
    try:
        executed = papermill.execute_notebook(
            str(notebook), str(kept), dict(values), kernel_name=kernel.NAME, language="python", progress_bar=False,
            request_save_on_cell_execute=False, kernel_manager_class=kernel.manager(scratch, seen),
            shutdown_kernel="immediate", resources={"metadata": {"path": str(work)}},
        )  # fmt: skip
    except papermill.PapermillExecutionError:
        import nbformat

        executed = nbformat.read(kept, as_version=4)  # type: ignore[no-untyped-call]
    except (DeadKernelError, RuntimeError) as error:
        raise RunFailed(f"the notebook's kernel died or never started: {error}") from None
    return executed  # type: ignore[no-any-return]
