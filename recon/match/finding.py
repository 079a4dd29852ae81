"""A divergence before it is written down: class, subject, amounts, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.schemas.currency import ISO_EXPONENTS


@dataclass(frozen=True, slots=True)
class Finding:
    """One divergence. Amounts are minor units of `currency`; diff is ledger − gateway, signed.

    `identity_minor` is what this finding explains of the cohort's difference between ledger and gateway.
    """

    divergence: str
    """The class, as RECONCILIATION names it."""
    subject: str
    gateway: str | None
    gateway_account: str | None
    currency: str | None
    reason: str
    ledger_minor: int | None = None
    gateway_minor: int | None = None
    diff_minor: int = 0
    identity_minor: int = 0
    payment_id: int | None = None
    native_id: str | None = None
    batch_id: str | None = None
    nearest_miss: str | None = None
    trace_id: str | None = None
    first_seen_at: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subject_kind(self) -> str:
        """movement, line, group, payment, journal, batch, feed or hour."""
        return self.subject.split(":", 1)[0]


def money(amount_minor: int, currency: str | None) -> str:
    """The amount as people write it: 1234 EUR -> '12.34 EUR'. Unknown currencies show minor units."""
    if currency not in ISO_EXPONENTS:
        return f"{amount_minor} minor units of {currency or 'no currency'}"
    exponent = ISO_EXPONENTS[currency]
    sign, digits = ("-" if amount_minor < 0 else ""), str(abs(amount_minor)).rjust(exponent + 1, "0")
    whole = f"{int(digits[: len(digits) - exponent]):,}"
    return f"{sign}{whole}{'.' + digits[len(digits) - exponent :] if exponent else ''} {currency}"


def utc(at: datetime) -> str:
    """RFC 3339 with Z, to the second."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
