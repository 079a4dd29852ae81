"""A bound statement as text for a server: with its parameters written out, or as marks with their values beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlglot import exp

from recon.engine.queries import DIALECT
from recon.engine.rewrites import for_trino, rewrite

PARAMETER = "parameter"
"""Key in the meta of a literal that stands for a parameter."""

_LONGEST_BYTES = 1000
"""Athena takes values of up to 1,024 bytes, quotes included; longer ones stay in the text."""

_MARK = re.compile(r"'\ue000(\d+)\ue000'")


@dataclass(frozen=True, slots=True)
class Statement:
    """`text` stands alone; `marked` has a `?` for each of `values`, SQL literals in the order of the marks."""

    text: str
    marked: str
    values: tuple[str, ...]


def statement(bound: exp.Expr) -> Statement:
    """The text of a statement whose parameters have been bound (recon.engine.dialect.bind)."""
    tree = rewrite(bound, for_trino)
    text = tree.sql(dialect=DIALECT, comments=False)
    values: list[str] = []

    def mark(node: exp.Expr) -> exp.Expr:
        if not (isinstance(node, exp.Literal) and node.meta.get(PARAMETER)):
            return node
        written = node.sql(dialect=DIALECT)
        if len(written.encode()) > _LONGEST_BYTES:
            return node
        values.append(written)
        return exp.Literal.string(f"\ue000{len(values) - 1}\ue000")

    marked = tree.transform(mark).sql(dialect=DIALECT, comments=False)
    # The generator decides the order of the text, so the marks are read from there.
    order = [int(found[1]) for found in _MARK.finditer(marked)]
    return Statement(text, _MARK.sub("?", marked), tuple(values[index] for index in order))
