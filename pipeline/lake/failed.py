"""What Firehose leaves under the error prefix: JSON documents, each with the record that it could not deliver."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.lake.kinds import TABLES
from pipeline.schemas.columns import Table

ERRORS = "errors/"
"""Below it one folder per table, as the streams' ErrorOutputPrefix says."""
HELD = "held/"
"""Where re-driving keeps lines that still do not convert, one folder per table."""


class Unreadable(Exception):
    """An object that is not made of such documents."""


@dataclass(frozen=True, slots=True)
class Held:
    """A line that does not convert: column (or "") and reason, and the object that it was found in."""

    line: bytes
    field: str
    reason: str
    source: str

    def document(self) -> bytes:
        """One line of JSON that reads as Firehose's own documents do."""
        told = {"rawData": base64.b64encode(self.line).decode(), "field": self.field, "reason": self.reason,
                "source": self.source}
        return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def payloads(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The records in an object's lines; documents may also follow each other on one line. Raises Unreadable."""
    decoder = json.JSONDecoder()
    for raw in lines:
        try:
            text = raw.decode("utf-8").strip()
            while text:
                document, end = decoder.raw_decode(text)
                yield base64.b64decode(document["rawData"], validate=True)
                text = text[end:].lstrip()
        except (ValueError, KeyError, TypeError):
            raise Unreadable from None


def lines_of(payload: bytes) -> list[bytes]:
    """The lines of a record, which need not be UTF-8."""
    return [line for line in payload.split(b"\n") if line.strip()]


def table_of(key: str) -> Table | None:
    """Whose record the object at `key` holds; None where the key is none of a table."""
    for prefix in (ERRORS, HELD):
        if key.startswith(prefix):
            return TABLES.get(key.removeprefix(prefix).partition("/")[0])
    return None


def held_key(key: str) -> str:
    """Where the lines of the object at `key` are kept that still do not convert: always the same place."""
    return HELD + key.removeprefix(ERRORS).removeprefix(HELD)


def documents(held: Sequence[Held]) -> bytes:
    """An object of held lines."""
    return b"".join(one.document() for one in held)
