"""What the code imports, the project asks for by name: nothing stands on somebody else's dependency."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.tree import ROOT, modules

OURS = {"pipeline", "recon", "dashboards", "infra", "tests", "bench"}


def imported(*folders: str) -> dict[str, str]:
    """Each outside top-level package that modules below `folders` import, with a place that does."""
    found: dict[str, str] = {}
    for path, text in modules(*folders):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names = [node.module]
            else:
                continue
            for name in names:
                found.setdefault(name.split(".")[0], f"{path}:{node.lineno}")
    return {name: place for name, place in found.items() if name not in sys.stdlib_module_names | OURS}


def asked_for(*extras: str) -> set[str]:
    """Names of the distributions that the extras ask for."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    return {canonicalize_name(Requirement(text).name) for extra in extras for text in declared[extra]}


def undeclared(folders: tuple[str, ...], extras: tuple[str, ...]) -> dict[str, str]:
    """Imports of `folders` that none of `extras` brings."""
    owners, declared = packages_distributions(), asked_for(*extras)
    return {
        name: place
        for name, place in imported(*folders).items()
        if declared.isdisjoint(map(canonicalize_name, owners.get(name, [])))
    }


def test_a_run_asks_for_what_it_imports() -> None:
    assert undeclared(("recon", "dashboards"), ("recon",)) == {}


def test_the_local_stack_asks_for_what_it_imports() -> None:
    assert undeclared(("infra",), ("recon", "local")) == {}


def test_the_tests_and_benchmarks_ask_for_what_they_import() -> None:
    assert undeclared(("tests", "bench"), ("recon", "pipeline", "local", "dev")) == {}
