"""Each import contract refuses the import that it is there to refuse."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.tree import ROOT

LINT = Path(sys.executable).with_name("lint-imports")

# contract: (new module, its text), ...: each alone must break the contract
BROKEN_BY: dict[str, list[tuple[str, str]]] = {
    "recon-layers": [
        ("recon/engine/extra.py", "import recon.match.result"),
        ("recon/feeds/extra.py", "import recon.match.result"),
        ("recon/match/extra.py", "import recon.feeds"),
        ("recon/lake.py", "import recon.engine"),
        ("recon/settings.py", "import recon.lake"),
        ("recon/errors.py", "import recon.settings"),
        ("recon/worlds/extra.py", "import recon.engine"),
        ("recon/worlds/extra.py", "import recon.match.result"),
        ("recon/schedule/extra.py", "import recon.cli"),
        ("recon/unheard_of/__init__.py", ""),
    ],
    "pipeline-layers": [("pipeline/unheard_of/__init__.py", "")],
    "worlds-apart": [
        ("recon/match/extra.py", "import recon.worlds"),
        ("recon/schedule/extra.py", "import recon.worlds"),
        ("recon/feeds/extra.py", "import recon.worlds"),
        ("infra/local/emulator.py", "import recon.worlds"),
    ],
    "recon-pipeline": [
        ("recon/match/extra.py", "import pipeline.unheard_of"),
        ("recon/cli/extra.py", "import pipeline.unheard_of"),
    ],
    "dashboards": [
        ("dashboards/extra.py", "import recon.match.extra"),
        ("dashboards/extra.py", "import recon.engine"),
        ("dashboards/extra.py", "import pipeline.unheard_of"),
    ],
    "recon-draws-nothing": [("recon/match/extra.py", "import dashboards")],
    "pipeline-alone": [
        ("pipeline/schemas/extra.py", "import recon.errors"),
        ("pipeline/schemas/extra.py", "import dashboards"),
    ],
    "infra-layers": [
        ("infra/local/processes.py", "import infra.local.emulator"),
        ("infra/local/emulator.py", "import infra.local.trino"),
        ("infra/local/guard.py", "import infra.local.processes"),
        ("infra/local/postgres.py", "import infra.local.emulator"),
        ("infra/local/emulator.py", "import infra.local.deploy"),
        ("infra/local/unheard_of.py", ""),
    ],
    "infra-imports": [
        ("infra/local/emulator.py", "import recon.lake"),
        ("infra/local/emulator.py", "import recon.engine.dialect"),
        ("infra/local/athena/server.py", "import recon.engine.extra"),
        ("infra/local/emulator.py", "import pipeline.unheard_of"),
        ("infra/local/emulator.py", "import dashboards"),
    ],
    "infra-apart": [
        ("recon/engine/extra.py", "import infra.local.guard"),
        ("pipeline/schemas/extra.py", "import infra"),
        ("dashboards/extra.py", "import infra.local"),
    ],
    "lambda-light": [("pipeline/schemas/extra.py", "import duckdb")],
}
SMALL_TREE = {
    "recon/match/result.py": "import pipeline.schemas.tables",
    "recon/match/extra.py": "",
    "dashboards/page.py": "import recon.match.result",
    "pipeline/schemas/tables.py": "",
    "pipeline/handlers/__init__.py": "",
    "pipeline/money.py": "",
    "recon/engine/dialect.py": "import recon.errors",
    "recon/engine/extra.py": "",
    "infra/local/lake.py": "import pipeline.schemas.tables",
    "infra/local/athena/server.py": "import recon.engine.dialect",
    **{f"infra/local/{name}.py": "" for name in ("errors", "guard", "keeper", "processes", "emulator", "deploy")},
    "infra/local/trino/__init__.py": "",
    **{f"recon/{name}.py": "" for name in ("lake", "settings", "errors")},
    **{f"recon/{name}/__init__.py": "" for name in ("cli", "schedule", "feeds", "engine", "worlds")},
}
"""Modules that keep every contract."""


def add(tree: Path, module: str, text: str) -> None:
    """Add `text` to a module, making its packages where there are none."""
    path = tree / module
    path.parent.mkdir(parents=True, exist_ok=True)
    for package in path.relative_to(tree).parents[:-1]:
        (tree / package / "__init__.py").touch()
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def lint(tree: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the linter in `tree`, over one contract or all."""
    chosen = ["--contract", contract] if contract else []
    command = [str(LINT), "--no-logo", "--no-cache", *chosen]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The contracts, and a small tree for them."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for module, text in SMALL_TREE.items():
        add(tmp_path, module, text)
    return tmp_path


def test_the_tree_keeps_every_contract() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_the_small_tree_keeps_every_contract(tree: Path) -> None:
    assert " 0 broken" in lint(tree).stdout


@pytest.mark.parametrize(
    "contract, module, text",
    [
        pytest.param(contract, *bad, id=f"{contract}: {' '.join(bad)}")
        for contract, bads in BROKEN_BY.items()
        for bad in bads
    ],
)
def test_a_bad_import_is_refused(tree: Path, contract: str, module: str, text: str) -> None:
    if "pipeline.unheard_of" in text:
        add(tree, "pipeline/unheard_of.py", "")
    add(tree, module, text)
    refused = lint(tree, contract)
    assert "0 kept, 1 broken" in refused.stdout, refused.stdout + refused.stderr
    assert refused.returncode != 0


def test_every_contract_is_tried() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    assert {contract["id"] for contract in contracts} == set(BROKEN_BY)
