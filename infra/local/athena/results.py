"""Results where Athena leaves them: the objects beside the output location, and pages of GetQueryResults."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from infra.local.athena.backends.port import Column, Rows
from infra.local.athena.errors import invalid
from infra.local.athena.storage import Store

PAGE = 1000


def write_rows(store: Store, url: str, rows: Rows, *, header: bool) -> None:
    """The result as CSV (as plain text without `header`), and its columns in `url`.metadata as JSON.

    In the CSV a NULL is nothing and an empty text is a pair of quotes.
    """
    lines = [_csv([column.name for column in rows.columns])] if header else []
    lines += [_csv(row) if header else "\t".join(value or "" for value in row) for row in rows.values]
    store.write(url, "".join(f"{line}\n" for line in lines).encode("utf-8"))
    write_metadata(store, f"{url}.metadata", rows.columns)


def write_metadata(store: Store, url: str, columns: Sequence[Column]) -> None:
    """The columns of a result."""
    store.write(url, json.dumps([column.info() for column in columns], indent=1).encode("utf-8"))


def page(rows: Rows, *, header: bool, updated: int | None, most: int, token: str | None) -> dict[str, Any]:
    """One page of GetQueryResults; the header counts as the first row. Raises ApiError."""
    if not 1 <= most <= PAGE:
        raise invalid(f"MaxResults is more than maximum allowed length {PAGE}.")
    shift = 1 if header else 0
    start = _offset(token)
    total = len(rows.values) + shift
    if start > total:
        raise invalid("Invalid NextToken")
    shown: list[Sequence[str | None]] = []
    if header and start == 0:
        shown.append([column.name for column in rows.columns])
    end = min(start + most, total)
    shown += rows.values[max(start - shift, 0):end - shift]
    answer: dict[str, Any] = {"ResultSet": {
        "Rows": [{"Data": [{} if value is None else {"VarCharValue": value} for value in row]} for row in shown],
        "ResultSetMetadata": {"ColumnInfo": [column.info() for column in rows.columns]}}}
    if updated is not None:
        answer["UpdateCount"] = updated
    if end < total:
        answer["NextToken"] = base64.urlsafe_b64encode(str(end).encode()).decode()
    return answer


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode())
    except ValueError:
        raise invalid("Invalid NextToken") from None


def _csv(row: Sequence[str | None]) -> str:
    return ",".join("" if value is None else '"' + value.replace('"', '""') + '"' for value in row)
