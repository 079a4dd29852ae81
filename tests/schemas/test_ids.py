"""Payment ids: what they say about time, and that they are ordered and unique."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schemas.ids import EPOCH, SEQUENCE_BITS, WORKER_BITS, compose, minted_at

LAST = EPOCH + timedelta(milliseconds=2**41 - 1)
times = st.datetimes(datetime(2024, 1, 1), LAST.replace(tzinfo=None), timezones=st.just(UTC))
workers = st.integers(0, 2**WORKER_BITS - 1)
sequences = st.integers(0, 2**SEQUENCE_BITS - 1)
to_the_millisecond = timedelta(milliseconds=1)


@given(times, workers, sequences)
def test_an_id_fits_63_bits_and_tells_its_millisecond(at: datetime, worker: int, sequence: int) -> None:
    payment_id = compose(at, worker, sequence)
    assert 0 <= payment_id < 2**63
    assert minted_at(payment_id) <= at < minted_at(payment_id) + to_the_millisecond
    assert minted_at(payment_id).tzinfo is UTC


@given(times, workers, sequences, times, workers, sequences)
def test_different_parts_give_different_ids_and_time_orders_them(
    at: datetime, worker: int, sequence: int, other_at: datetime, other_worker: int, other_sequence: int
) -> None:
    one, other = compose(at, worker, sequence), compose(other_at, other_worker, other_sequence)
    if minted_at(one) != minted_at(other):
        assert (one < other) == (at < other_at)
    else:
        assert (one < other) == ((worker, sequence) < (other_worker, other_sequence))


@pytest.mark.parametrize(
    "at, worker, sequence",
    [
        (EPOCH - to_the_millisecond, 0, 0),
        (LAST + to_the_millisecond, 0, 0),
        (EPOCH, -1, 0),
        (EPOCH, 2**WORKER_BITS, 0),
        (EPOCH, 0, -1),
        (EPOCH, 0, 2**SEQUENCE_BITS),
    ],
)
def test_what_does_not_fit_is_refused(at: datetime, worker: int, sequence: int) -> None:
    with pytest.raises(ValueError, match="outside the id's bits"):
        compose(at, worker, sequence)


def test_the_limits_themselves_fit() -> None:
    assert compose(EPOCH, 0, 0) == 0
    assert compose(LAST, 2**WORKER_BITS - 1, 2**SEQUENCE_BITS - 1) == 2**63 - 1
