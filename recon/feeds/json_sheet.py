"""API JSON: list pages, arrays and newline-delimited objects as rows; a column is a dotted path into the object."""

from __future__ import annotations

import glob
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import duckdb

from recon.feeds.faults import refuse
from recon.feeds.header import Header
from recon.feeds.sheet import Loaded

_ACCEPTED = "objects of Stripe's API: list pages, an array, or one object a line"
_LARGEST = 512 * 1024 * 1024
"""Bytes of one JSON value: an array or a list page is one value; longer histories come as one object a line."""


_ALONE: dict[str, bool | int | float | str | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class JsonSheet:
    """A file of API objects. The header is the paths that occur, `source` expanded or not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with duckdb.connect(config=_ALONE) as con:
            try:
                row = con.execute(
                    "SELECT json_group_structure(item), json_group_structure(CASE json_type(item->'source') "
                    f"WHEN 'OBJECT' THEN item->'source' END) FROM ({self._items()})"
                ).fetchone()
            except duckdb.Error as error:
                raise refuse(f"not JSON that can be read ({_told(error)})", accepted=_ACCEPTED) from None
        whole, source = (json.loads(text) if text else {} for text in row or ("", ""))
        if not isinstance(whole, dict):
            raise refuse("JSON that holds no objects", accepted=_ACCEPTED)
        paths = dict.fromkeys(_paths(whole))
        if isinstance(source, dict) and source:
            paths |= dict.fromkeys(["source", *(f"source.{path}" for path in _paths(source))])
        self.preview: list[tuple[str, ...]] = [tuple(paths)]

    def load(self, con: duckdb.DuckDBPyConnection, header: Header, positions: Collection[int]) -> Loaded:
        """Table `raw`. Line numbers count the objects."""
        cells = ", ".join(f"nullif({_cell(header.names[index])}, '') AS c{index}" for index in positions)
        con.execute(f"CREATE OR REPLACE TABLE raw AS SELECT {cells} FROM ({self._items()})")
        return Loaded(first_line=1)

    def _items(self) -> str:
        name = glob.escape(str(self.path)).replace("'", "''")
        objects = f"read_json_objects('{name}', format='auto', maximum_object_size={_LARGEST})"
        pages = "CASE WHEN json->>'$.object' = 'list' THEN json->'$.data[*]' ELSE [json] END"
        return f"SELECT unnest({pages}) AS item FROM {objects}"


def open_json(path: Path, head: bytes) -> JsonSheet | None:
    """The file as JSON objects, or None when it does not begin like JSON."""
    return JsonSheet(path) if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[") else None


def _paths(structure: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    for name, inner in structure.items():
        if isinstance(inner, dict):
            yield from _paths(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _cell(path: str) -> str:
    keys = "".join(f'."{key}"' for key in path.split(".")).replace("'", "''")
    text = f"json_extract_string(item, '${keys}')"
    if path == "source":
        return f"coalesce(CASE WHEN json_type(item->'source') = 'OBJECT' THEN item->>'$.source.id' END, {text})"
    return text


def _told(error: duckdb.Error) -> str:
    return str(error).splitlines()[0][:200]
