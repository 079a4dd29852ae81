"""What deciding needs beyond the movement and its lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recon.match.facts import Line


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the ledger knows of a payment that a gateway charged without a movement of ours."""

    payment_id: int
    captured: bool
    given_up: bool
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the decisions need beyond movements and lines.

    `outcomes` by line_id; `authorised_minor` by (account, PSP reference) from reports with role status; `files` are
    names by file_id.
    """

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    authorised_minor: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def cite(self, line: Line) -> dict[str, object]:
        """Where a line stands, for evidence."""
        return {"native_id": line.native_id, "file": self.files.get(line.file_id, line.file_id), "line": line.line_no}
