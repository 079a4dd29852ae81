"""Runs the benchmarks: `python -m bench.run [NAME...] [--small]`. Figures go to build/bench.json."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

import bench
from bench.ratio import Ratio

OUT = Path("build/bench.json")
_LIBRARIES = ("duckdb", "pyarrow", "pandas", "papermill", "sqlglot")


def benchmarks() -> list[str]:
    """Names of the modules in this folder that measure something."""
    names = sorted(module.name for module in pkgutil.iter_modules(bench.__path__))
    return [name for name in names if hasattr(importlib.import_module(f"bench.{name}"), "measure")]


def measured(names: Sequence[str], *, small: bool, console: Console) -> list[Ratio]:
    """The figures of the named benchmarks, each shown as it comes."""
    figures: list[Ratio] = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as scratch:
            for figure in importlib.import_module(f"bench.{name}").measure(Path(scratch), small=small):
                console.print(f"{figure.name}: {figure.ratio:.2f} of {figure.bar:g}")
                figures.append(figure)
    return figures


def table(figures: Sequence[Ratio]) -> Table:
    """The figures for a terminal."""
    shown = Table("figure", title="Benchmarks", title_justify="left")
    for heading in ("ours s", "not counted s", "yardstick s", "ratio", "bar", ""):
        shown.add_column(heading, justify="right")
    for f in figures:
        values = (f"{f.seconds:.2f}", f"{f.allowance:.2f}", f"{f.yardstick:.2f}", f"{f.ratio:.2f}", f"{f.bar:g}")
        shown.add_row(f.name, *values, "met" if f.met else "MISSED", style=None if f.met else "bold red")
    return shown


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    libraries = {name: version(name) for name in _LIBRARIES}
    return {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform(), **libraries}


def main() -> int:
    """Measure what the command line names; 1 when a bar is missed."""
    known = benchmarks()
    asked = argparse.ArgumentParser(prog="bench", description=__doc__)
    asked.add_argument("names", nargs="*", help=f"benchmarks; all when none is named: {known}")
    asked.add_argument("--small", action="store_true", help="small sizes: shows that they run, says little")
    chosen = asked.parse_args()
    if unknown := sorted(set(chosen.names) - set(known)):
        asked.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    console = Console(highlight=False)
    figures = measured(chosen.names or known, small=chosen.small, console=console)
    OUT.parent.mkdir(exist_ok=True)
    report = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "small": chosen.small, "machine": machine(),
              "figures": [figure.to_dict() for figure in figures]}  # fmt: skip
    OUT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    console.print(table(figures))
    console.print(f"written to {OUT}")
    return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
