"""The columns of a case pack: what an analyst sees of a case, and the three cells that may be filled in."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from recon.breaks.aging import bucket
from recon.breaks.case import Case
from recon.breaks.money import major, number, unit
from recon.breaks.said import when

CASES, READ_ME, PACK = "cases", "read me", "pack"
"""The sheets; `pack` is hidden and says what the others were made from."""
_LONGEST = 32_000
"""Characters of a cell: somewhat less than Excel's own limit."""
_BREAKS_A_LINE = re.compile(r"\r\n?|[\n\x85\u2028\u2029]")
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `text` gives its cell for a case at the time of the export; None where people fill it in."""

    name: str
    width: int
    text: Callable[[Case, datetime], str] | None
    note: str
    is_number: bool = False
    """The cell is a number, the exact one being the text beside it."""


def plain(text: str | None) -> str:
    """Text as a cell can keep it: one line, no characters that XML has none for."""
    kept = _NO_XML.sub("\ufffd", _BREAKS_A_LINE.sub(" ", text or ""))
    return kept if len(kept) <= _LONGEST else kept[:_LONGEST - 1] + "…"


def amount(case: Case) -> Decimal | None:
    """The first currency's amount as a number; None for a case without money."""
    first = _first(case)
    return number(case.diff_minor[first], first) if first else None


def _first(case: Case) -> str | None:
    """The currency that comes first: of the largest amount by digits that are shown, then by name."""
    return min(case.diff_minor, key=lambda currency: (-abs(number(case.diff_minor[currency], currency)), currency),
               default=None)


def _currency(case: Case, _: datetime) -> str:
    first = _first(case)
    return unit(first) if first else ""


def _amount(case: Case, _: datetime) -> str:
    first = _first(case)
    return major(case.diff_minor[first], first) if first else ""


def _further(case: Case, _: datetime) -> str:
    first = _first(case)
    return ", ".join(f"{major(minor, currency)} {unit(currency)}"
                     for currency, minor in sorted(case.diff_minor.items()) if currency != first)


COLUMNS: Sequence[Column] = (
    Column("case", 36, lambda case, _: case.case_id, "what names the case in every command"),
    Column("severity", 10, lambda case, _: case.severity, "timing, warning or break"),
    Column("class", 24, lambda case, _: " ".join(case.cls), "what kind of divergence it is"),
    Column("currency", 10, _currency, "of amount"),
    Column("amount", 18, _amount, "ledger − gateway in major units, exact"),
    Column("amount (number)", 18, None, "the same to calculate with; large amounts may be rounded here", True),
    Column("further amounts", 22, _further, "where a case is about several currencies"),
    Column("due", 17, lambda case, _: when(case.due_at), "when it should be closed, UTC"),
    Column("age", 9, bucket, "how long it had been waiting at the export"),
    Column("status", 18, lambda case, _: case.status, "at the export"),
    Column("assignee", 18, None, "fill in: who works on it"),
    Column("action", 12, None, "fill in: what is to be done"),
    Column("text", 50, None, "fill in: the explanation or reason"),
    Column("reason", 80, lambda case, _: plain(case.reason), "what the run said"),
    Column("gateway", 10, lambda case, _: plain(case.gateway), "stripe or adyen"),
    Column("account", 18, lambda case, _: plain(case.gateway_account), "account at the gateway"),
    Column("payment", 22, lambda case, _: str(case.payment_id or ""), "payment id, as text"),
    Column("batch", 16, lambda case, _: plain(case.batch_id), "the gateway's batch or payout"),
    Column("subject", 44, lambda case, _: plain(case.subject_id), "what the case is about"),
    Column("root cause", 50, lambda case, _: plain(case.root_cause), "what most often causes it"),
    Column("first seen", 17, lambda case, _: when(case.first_seen_at), "when the evidence was complete, UTC"),
    Column("opened", 17, lambda case, _: when(case.opened_at), "when it entered the register, UTC"),
    Column("window", 9, lambda case, _: case.window, "of the run that last found it"),
    Column("as of", 17, lambda case, _: when(case.as_of), "of that run, UTC"),
    Column("trace", 36, lambda case, _: plain(case.trace_id), "trace id of the payment"),
)
NAMES = tuple(column.name for column in COLUMNS)
EDITABLE = ("assignee", "action", "text")


def fixed_cells(case: Case, at: datetime) -> dict[str, str]:
    """The exact texts of a row's fixed cells, by column."""
    return {column.name: column.text(case, at) for column in COLUMNS if column.text}


def row_digest(cells: dict[str, str]) -> str:
    """Hex SHA-256 of a row's fixed cells."""
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()
