"""A Trino server asked directly, through its own client and without a catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import trino

from recon.engine import dialect, queries
from recon.engine.types import arrow_type
from tests.engine.harness import HEADER


class Server:
    """A Trino server that is asked in the shared dialect."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection: Any = trino.dbapi.connect(  # type: ignore[no-untyped-call]
            host=address.hostname, port=address.port, user="probes", timezone="UTC")

    def rows(self, sql: str) -> tuple[list[tuple[Any, ...]], list[pa.DataType]]:
        """The rows of a statement, and the types of its columns."""
        query = queries.parse("probe", HEADER.format(inputs="none", parameters="none") + sql)
        cursor = self._connection.cursor()
        cursor.execute(dialect.trino_sql(query, {}))
        rows = [tuple(row) for row in cursor.fetchall()]
        return rows, [arrow_type(column.type_code) for column in cursor.description]

    def one(self, sql: str) -> tuple[Sequence[Any], list[pa.DataType]]:
        """The values of a statement's one row, and their types."""
        ((values,), types) = self.rows(sql)
        return values, types
