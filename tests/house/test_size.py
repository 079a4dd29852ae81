"""Rooms stay small, and each has a page that says what lives in it."""

from __future__ import annotations

import ast
import json

from tests.house.tree import LIBRARY, ROOT, modules, tracked

MODULE_LINES = 300
FUNCTION_LINES = 70
NOTEBOOK_CELLS = 16


def test_no_module_is_longer_than_a_sitting() -> None:
    lengths = {path: text.count("\n") + 1 for path, text in modules(*LIBRARY, "tests", "bench")}
    assert {path: lines for path, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_no_function_is_longer_than_a_page() -> None:
    long = {}
    for path, text in modules(*LIBRARY, "tests", "bench"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long[f"{path}:{node.lineno} {node.name}"] = lines
    assert long == {}


def test_every_folder_of_code_has_a_page() -> None:
    top = (*LIBRARY, "notebooks", "bench")
    folders = {path.rsplit("/", 1)[0] for path in tracked() if path.startswith(tuple(f"{name}/" for name in top))}
    code = {f for f in folders if any((ROOT / f).glob("*.py")) or any((ROOT / f).glob("*.sql"))} | {"tests"}
    assert sorted(folder for folder in code if not (ROOT / folder / "README.md").is_file()) == []


def test_notebooks_carry_questions_and_calls_only() -> None:
    crowded = {}
    for path in tracked():
        if path.startswith("notebooks/") and path.endswith(".ipynb"):
            cells = json.loads((ROOT / path).read_text(encoding="utf-8"))["cells"]
            code = [cell for cell in cells if cell["cell_type"] == "code"]
            if len(code) > NOTEBOOK_CELLS:
                crowded[path] = len(code)
    assert crowded == {}
