"""Money is an integer of minor units: nothing divides it, nothing makes it a float."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house.tree import called, modules


def _is_money(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id.endswith("_minor")
    if isinstance(node, ast.Attribute):
        return node.attr.endswith("_minor")
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and str(node.slice.value).endswith("_minor")
    if isinstance(node, ast.BinOp):
        return _is_money(node.left) or _is_money(node.right)
    if isinstance(node, ast.UnaryOp):
        return _is_money(node.operand)
    if isinstance(node, ast.Call):
        return called(node) in ("abs", "sum", "min", "max", "int") and any(map(_is_money, node.args))
    return False


def _annotation(node: ast.arg) -> str:
    return ast.unparse(node.annotation) if node.annotation else ""


def faults(source: str) -> Iterator[str]:
    """Each place in `source` where an amount stops being a whole number, as `line: what`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and _is_money(node.left):
            yield f"{node.lineno}: `/` on an amount"
        elif isinstance(node, ast.BinOp) and any(
            isinstance(side, ast.Constant) and isinstance(side.value, float) and _is_money(other)
            for side, other in ((node.left, node.right), (node.right, node.left))
        ):
            yield f"{node.lineno}: a float beside an amount"
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div) and _is_money(node.target):
            yield f"{node.lineno}: `/=` on an amount"
        elif isinstance(node, ast.Call) and called(node) in ("float", "round") and any(map(_is_money, node.args)):
            yield f"{node.lineno}: {called(node)}() of an amount"
        elif isinstance(node, ast.AnnAssign) and _is_money(node.target) and "float" in ast.unparse(node.annotation):
            yield f"{node.lineno}: an amount declared as float"
        elif isinstance(node, ast.arg) and node.arg.endswith("_minor") and "float" in _annotation(node):
            yield f"{node.lineno}: an amount declared as float"


def test_no_amount_is_divided_or_made_a_float() -> None:
    found = [f"{path}:{fault}" for path, text in modules("pipeline", "recon") for fault in faults(text)]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "share = amount_minor / 2",
        "share = line.net_minor / parts",
        "share = (row['fee_minor'] - 1) / 3",
        "share = abs(diff_minor) / 3",
        "x = float(line.gross_minor)",
        "x = round(gross_minor)",
        "x = gross_minor * 0.029",
        "gross_minor /= 2",
        "gross_minor: float = 0",
        "def charge(amount_minor: float) -> None: ...",
    ],
)
def test_a_leak_is_found(source: str) -> None:
    assert list(faults(source))


@pytest.mark.parametrize(
    "source",
    ["x = gross_minor // 2", "x = gross_minor - fee_minor", "x = seconds / 60", "x = Decimal(gross_minor)", "r = 0.5"],
)
def test_whole_numbers_pass(source: str) -> None:
    assert not list(faults(source))
