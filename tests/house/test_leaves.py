"""Folders that others take along stand on nothing but themselves."""

from __future__ import annotations

import ast

import pytest

from tests.house.tree import modules

OURS = ("pipeline", "recon", "dashboards", "infra", "tests", "bench")
LEAVES = {
    "pipeline/schemas": ("pipeline.schemas",),
    "recon/worlds/writers": ("recon.worlds.writers", "pipeline.schemas"),
}
"""Folder: the only packages of ours that it may import."""


def imports(source: str) -> list[str]:
    """Every module of ours that `source` imports."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in names if name.split(".")[0] in OURS]


@pytest.mark.parametrize("folder", LEAVES)
def test_a_leaf_imports_nothing_above_it(folder: str) -> None:
    sources = {path: text for path, text in modules(folder.split("/")[0]) if path.startswith(f"{folder}/")}
    assert sources
    strangers = {
        path: name
        for path, text in sources.items()
        for name in imports(text)
        if not any(name == allowed or name.startswith(f"{allowed}.") for allowed in LEAVES[folder])
    }
    assert strangers == {}
