"""What was wrong with a file: every place, and what would be accepted there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from recon.errors import Refused

REFUSES, INCOMPLETE, WARNING = "refused", "incomplete", "warning"
KEPT = 5_000
"""Faults of one file that are kept in full; beyond it they are only counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `line` counts records from 1 (None: the whole file); `level` is what it leads to."""

    problem: str
    line: int | None = None
    column: str | None = None
    value: str | None = None
    accepted: str | None = None
    level: str = REFUSES

    def __str__(self) -> str:
        place = ", ".join(
            part
            for part in (f"line {self.line}" if self.line else "", f"column {self.column!r}" if self.column else "")
            if part
        )
        shown = f" {_short(self.value)!r}" if self.value is not None else ""
        accepted = f"; accepted: {self.accepted}" if self.accepted else ""
        return f"{place + ': ' if place else ''}{self.problem}{shown}{accepted}"


class FileRefused(Refused):
    """A file that cannot be read safely. `faults` has every place, `total` counts those beyond what is kept."""

    def __init__(self, faults: Iterable[Fault], total: int | None = None) -> None:
        self.faults = tuple(faults)
        self.total = len(self.faults) if total is None else total
        self.gateway: str | None = None
        self.report_type: str | None = None
        super().__init__(str(self.faults[0]))


def refuse(problem: str, **place: object) -> FileRefused:
    """A refusal with one fault; keywords are the fields of Fault."""
    return FileRefused([Fault(problem, **place)])  # type: ignore[arg-type]


def as_json(faults: Iterable[Fault]) -> str:
    """The faults as a JSON list of {line, column, value, problem, accepted, level}."""
    return json.dumps([asdict(fault) for fault in faults], ensure_ascii=False)


def _short(value: str, width: int = 60) -> str:
    return value if len(value) <= width else value[: width - 1] + "…"
