"""One entry of the break log, and how its hash takes in everything it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

_COLUMN = {"cls": "class"}
"""Fields whose column is called otherwise."""
_NOT_CONTENT = ("entry_id", "previous_id")


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has its place in the chain; `evidence` holds plain JSON values."""

    case_id: str
    action: str
    actor: str
    subject_id: str
    cls: tuple[str, ...]
    severity: str
    status: str
    evidence: Mapping[str, Any]
    divergence_id: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of break_log. `cls` is its column class: names joined by a space. `recorded_at` is aware UTC."""

    entry_id: str
    previous_id: str | None
    entry_no: int
    previous_object: str | None
    case_id: str
    divergence_id: str | None
    action: str
    actor: str
    run_id: str | None
    subject_id: str
    cls: str
    severity: str
    status: str
    evidence: str
    recorded_at: datetime

    def told(self) -> dict[str, Any]:
        """The evidence as JSON values. Raises ValueError where it is no JSON object."""
        value = json.loads(self.evidence)
        if not isinstance(value, dict):
            raise ValueError("the evidence is no JSON object")
        return value

    def row(self) -> dict[str, Any]:
        """As a row of the table: times without a zone."""
        row = {_COLUMN.get(field.name, field.name): getattr(self, field.name) for field in fields(self)}
        return row | {"recorded_at": self.recorded_at.astimezone(UTC).replace(tzinfo=None)}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Entry:
        """From a row of the table."""
        values = {field.name: row[_COLUMN.get(field.name, field.name)] for field in fields(cls)}
        return cls(**values | {"recorded_at": values["recorded_at"].replace(tzinfo=UTC)})


def chained(draft: Draft, previous: Entry | None, previous_object: str | None, recorded_at: datetime) -> Entry:
    """`draft` as the entry after `previous`, in the object after the one with digest `previous_object`."""
    entry = Entry(
        entry_id="",
        previous_id=previous.entry_id if previous else None,
        entry_no=previous.entry_no + 1 if previous else 1,
        previous_object=previous_object,
        case_id=draft.case_id,
        divergence_id=draft.divergence_id,
        action=draft.action,
        actor=draft.actor,
        run_id=draft.run_id,
        subject_id=draft.subject_id,
        cls=" ".join(draft.cls),
        severity=draft.severity,
        status=draft.status,
        evidence=json.dumps(draft.evidence, sort_keys=True, ensure_ascii=False, separators=(",", ":")),
        recorded_at=recorded_at,
    )
    row = entry.row()
    return Entry.of_row(row | {"entry_id": digest(row)})


def digest(row: Mapping[str, Any]) -> str:
    """The entry_id that a row must have: hex SHA-256 of its previous_id and all else that it says.

    What is null is left out, so that a column that comes later changes no older entry.
    """
    content = {name: _plain(value) for name, value in row.items() if name not in _NOT_CONTENT and value is not None}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{row['previous_id'] or ''}\n{text}".encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value
