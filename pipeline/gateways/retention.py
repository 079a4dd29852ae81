"""What the passing of time allows: sending a key again, taking an empty look-up for proof, trusting a hold."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline.gateways.port import Answer, Gateway

MARGIN = timedelta(minutes=30)
"""Clocks differ, and a call that is allowed now arrives later."""
HOLD_LIFETIME = timedelta(days=7)
"""How long a hold is taken to last where the gateway does not say."""


def same_key_allowed(gateway: Gateway, *, first_sent_at: datetime | None, at: datetime) -> bool:
    """Whether the key may be sent (again) at `at`; None: it never was. Past the retention the gateway would take it for
    a new request, so then only a look-up or a void by reference may follow."""
    return first_sent_at is None or at < first_sent_at + gateway.key_retention - MARGIN


def proves_absence(gateway: Gateway, *, last_sent_at: datetime, at: datetime) -> bool:
    """Whether an empty look-up at `at` proves that a call last sent at `last_sent_at` left nothing behind."""
    return at >= last_sent_at + gateway.horizon + MARGIN


def hold_ends(answer: Answer, *, authorized_at: datetime) -> datetime:
    """When the hold of an authorisation lapses: as the gateway said, else our own assumption from `authorized_at`."""
    return answer.expires_at or authorized_at + HOLD_LIFETIME
