"""SHOW and DESCRIBE, answered from Glue alike on every backend."""

from __future__ import annotations

import fnmatch

from infra.local.athena.backends.port import Column, Rows
from infra.local.athena.catalog import Catalog
from infra.local.athena.errors import QueryFailed
from infra.local.athena.statements import literal, tokens


def show(sql: str, database: str, catalog: Catalog) -> Rows:
    """SHOW DATABASES, SHOW SCHEMAS, SHOW TABLES [IN database] ['pattern*']. Raises QueryFailed."""
    found = list(tokens(sql))[1:]
    what = found[0].text.upper() if found else ""
    rest = found[1:]
    if what in ("DATABASES", "SCHEMAS"):
        names, title = catalog.databases(), "database_name"
    elif what == "TABLES":
        if len(rest) > 1 and rest[0].text.upper() in ("IN", "FROM"):
            database, rest = rest[1].text.strip('"`').lower(), rest[2:]
        names, title = catalog.tables(database), "tab_name"
    else:
        raise QueryFailed("NOT_SUPPORTED", f"SHOW {what}: this local server knows SHOW DATABASES and SHOW TABLES")
    patterns = [literal(token.text) for token in rest if token.kind == "text"]
    kept = [name for name in names if not patterns or fnmatch.fnmatchcase(name, patterns[0])]
    return Rows((Column(title, "string"),), [(name,) for name in kept])


def describe(sql: str, database: str, catalog: Catalog) -> Rows:
    """DESCRIBE [database.]table: one line per column, then the partition keys. Raises QueryFailed."""
    words = [token.text.strip('"`') for token in list(tokens(sql))[1:] if token.text not in (".", "`")]
    words = [word for word in words if word.upper() not in ("FORMATTED", "EXTENDED")]
    parts = [part for word in words for part in word.split(".") if part]
    if not parts:
        raise QueryFailed("SYNTAX_ERROR", "line 1:9: DESCRIBE needs a table")
    table = catalog.table(parts[-2].lower() if len(parts) > 1 else database, parts[-1].lower())
    columns = (Column("col_name", "string"), Column("data_type", "string"), Column("comment", "string"))
    rows = [(f"{name:<20}", f"{kind:<20}", f"{'':<20}") for name, kind in table.all_columns.items()]
    if table.keys:
        rows += [("", "", ""), ("# Partition Information", "", ""), ("# col_name", "data_type", "comment"),
                 ("", "", "")]
        rows += [(f"{name:<20}", f"{kind:<20}", f"{'':<20}") for name, kind in table.keys.items()]
    return Rows(columns, rows)
