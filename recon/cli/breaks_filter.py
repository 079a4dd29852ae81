"""Which cases a command is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from recon.breaks.aging import is_overdue
from recon.breaks.case import SEVERITIES, STATUSES, UNFINISHED, Case
from recon.breaks.errors import NotPossible

ALL = "all"

Status = Annotated[list[str] | None, typer.Option("--status", metavar="STATUS", help=(
    f"Only cases in this state: {', '.join(STATUSES)}, or {ALL}; may be repeated. Default: unfinished ones."))]
ClassName = Annotated[list[str] | None, typer.Option("--class", metavar="CLASS", help=(
    "Only cases of this class of divergence; may be repeated."))]
AccountGateway = Annotated[str | None, typer.Option("--gateway", help="Only cases at this gateway.")]
Severity = Annotated[list[str] | None, typer.Option("--severity", metavar="SEVERITY", help=(
    f"Only cases of this severity: {', '.join(SEVERITIES)}; may be repeated."))]
Overdue = Annotated[bool, typer.Option("--overdue", help="Only cases that should have been closed by now.")]


def chosen(
    cases: Iterable[Case], at: datetime, *, status: Sequence[str] | None, cls: Sequence[str] | None,
    gateway: str | None, severity: Sequence[str] | None, overdue: bool,
) -> list[Case]:  # fmt: skip
    """The cases that fit, the gravest first and then by due date. Raises NotPossible for what no case can be."""
    _known("--status", status, (*STATUSES, ALL))
    _known("--severity", severity, SEVERITIES)
    states = UNFINISHED if not status else frozenset(STATUSES if ALL in status else status)
    found = [case for case in cases
             if case.status in states
             and (not cls or set(cls) & set(case.cls))
             and (gateway is None or case.gateway == gateway)
             and (not severity or case.severity in severity)
             and (not overdue or is_overdue(case, at))]  # fmt: skip
    return sorted(found, key=lambda case: (-SEVERITIES.index(case.severity), case.due_at, case.case_id))


def instant_or_now(text: str | None, now: datetime) -> datetime:
    """An instant or day as given, else now. Raises NotPossible."""
    if text is None:
        return now
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise NotPossible(f"--as-of {text!r} is no instant; accepted: e.g. 2026-03-31T14:00:00Z, or a day") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _known(option: str, given: Sequence[str] | None, accepted: Sequence[str]) -> None:
    for value in given or ():
        if value not in accepted:
            raise NotPossible(f"{option} {value!r} is unknown; accepted: {', '.join(accepted)}")
