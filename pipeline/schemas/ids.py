"""Layout of payment ids: 41 bits of milliseconds since our epoch, 10 bits of worker, 12 bits of sequence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
WORKER_BITS = 10
SEQUENCE_BITS = 12
_SHIFT = WORKER_BITS + SEQUENCE_BITS
_MS = timedelta(milliseconds=1)


def compose(at: datetime, worker: int, sequence: int) -> int:
    """The id minted by `worker` at `at` (UTC) with `sequence`. Raises ValueError outside the bit widths."""
    ms = (at - EPOCH) // _MS
    if not (0 <= ms < 1 << 41 and 0 <= worker < 1 << WORKER_BITS and 0 <= sequence < 1 << SEQUENCE_BITS):
        raise ValueError(f"outside the id's bits: {at.isoformat()}, worker {worker}, sequence {sequence}")
    return ms << _SHIFT | worker << SEQUENCE_BITS | sequence


def minted_at(payment_id: int) -> datetime:
    """When the id was minted, UTC, to the millisecond."""
    return EPOCH + (payment_id >> _SHIFT) * _MS
