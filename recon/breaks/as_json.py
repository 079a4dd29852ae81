"""Cases and changes as plain JSON values, for programs that read an answer."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from recon.breaks.aging import Totals, age, bucket, is_overdue
from recon.breaks.case import Case
from recon.breaks.changes import Changes
from recon.breaks.said import instant

_INNER = ("parts", "spoken", "counted_from", "members")
"""What only the register itself needs."""


def case_json(case: Case, now: datetime) -> dict[str, Any]:
    """A case; amounts in minor units by currency, instants as RFC 3339, the payment id as text."""
    values = {field.name: getattr(case, field.name) for field in fields(case) if field.name not in _INNER}
    shown = {name: instant(value) if isinstance(value, datetime) else value for name, value in values.items()}
    shown |= {"class": list(shown.pop("cls")), "diff_minor": dict(case.diff_minor),
              "at_risk_minor": dict(case.at_risk_minor),
              "payment_id": None if case.payment_id is None else str(case.payment_id)}  # fmt: skip
    return shown | {"age_s": int(age(case, now).total_seconds()), "age": bucket(case, now),
                    "overdue": is_overdue(case, now)}


def changes_json(changes: Changes, now: datetime) -> dict[str, Any]:
    """What a registration changed."""
    lists = {name: [case_json(case, now) for case in getattr(changes, name)]
             for name in ("opened", "reopened", "escalated", "reclassified", "resolved")}
    return {"run_id": changes.run_id, "already": changes.already, **lists, "seen": changes.seen}


def totals_json(totals: Totals) -> dict[str, Any]:
    """Figures over unfinished cases."""
    return {"cases": totals.cases, "overdue": totals.overdue, "by_age": totals.by_age,
            "at_risk_minor": dict(totals.at_risk_minor),
            "oldest_s": None if totals.oldest is None else int(totals.oldest.total_seconds())}
