"""Whether a catalog's table is the lake's table: its columns, and where it lies."""

from __future__ import annotations

from collections.abc import Collection

from pipeline.schemas.columns import Table
from recon.errors import Refused


class CatalogRefused(Refused):
    """The catalog's table is not the one that the run means."""


def check_columns(table: Table, name: str, columns: Collection[str]) -> None:
    """Raises CatalogRefused where the catalog's table lacks declared columns; `columns` are those it has."""
    missing = [column.name for column in table.all_columns() if column.name not in columns]
    if missing:
        raise CatalogRefused(f"table {name} lacks {', '.join(missing)}; it has {', '.join(columns) or 'no columns'}: "
                             "deploy the lake's tables anew, so that they are as pipeline/schemas declares them")


def check_location(name: str, location: str | None, wanted: str) -> None:
    """Raises CatalogRefused where the catalog's table lies elsewhere: then the run's objects would not be in it."""
    if (location or "").rstrip("/") != wanted:
        raise CatalogRefused(f"table {name} lies at {location or 'no location'}, but the lake's is {wanted}; give the "
                             "--lake that the catalog describes, or choose another catalog or database")
