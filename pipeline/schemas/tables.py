"""Every lake table, by name. Each is declared once, in ledger.py, feeds.py or reference.py."""

from __future__ import annotations

from pipeline.schemas import feeds, ledger, reference
from pipeline.schemas.columns import Table

DATABASE = "payments_lake"

TABLES: dict[str, Table] = {table.name: table for table in (*ledger.TABLES, *feeds.TABLES, *reference.TABLES)}


def table(name: str) -> Table:
    """The declared table called `name`; KeyError lists the tables there are."""
    try:
        return TABLES[name]
    except KeyError:
        raise KeyError(f"no lake table {name!r}; there are {', '.join(sorted(TABLES))}") from None
