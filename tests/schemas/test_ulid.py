"""Labels of 26 Crockford characters that only grow within a process."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from pipeline.schemas.ulid import ALPHABET, LARGEST, UlidFactory, UlidOverflow, decode, encode, minted_at

AT = datetime(2026, 3, 5, 12, 0, 0, 123_456, tzinfo=UTC)
NUMBERS = st.integers(0, (1 << 128) - 1)


@given(NUMBERS)
@pytest.mark.property(26)
def test_a_number_is_written_as_every_reader_of_ulids_reads_it(number: int) -> None:
    text = encode(number)
    assert len(text) == 26
    assert set(text) <= set(ALPHABET)
    assert decode(text) == decode(text.lower()) == number == int(ULID.from_str(text))


@given(NUMBERS, NUMBERS)
def test_order_of_text_is_order_of_numbers(one: int, other: int) -> None:
    assert (encode(one) < encode(other)) == (one < other)


@pytest.mark.parametrize("wrong", ["8" + "0" * 25, "Z" * 26, "0" * 25, "0" * 27, "", "I" * 26, "L" + "0" * 25,
                                   "0" * 25 + "U", "0" * 25 + "O", "0" * 25 + " ", "0" * 25 + "é"])
@pytest.mark.property(26)
def test_what_is_no_ulid_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="ULID"):
        decode(wrong)


@pytest.mark.parametrize("wrong", [-1, 1 << 128])
def test_a_number_that_does_not_fit_is_refused(wrong: int) -> None:
    with pytest.raises(ValueError, match="128 bits"):
        encode(wrong)


def test_the_largest_is_the_largest() -> None:
    assert encode((1 << 128) - 1) == LARGEST


@given(st.lists(st.integers(-10_000, 10_000), min_size=2, max_size=50))
@pytest.mark.property(26)
def test_they_only_grow_whatever_the_clock_does(steps: list[int]) -> None:
    factory, made, at = UlidFactory(), [], AT
    for step in steps:
        at += timedelta(milliseconds=step)
        made.append(factory.new(at))
    assert made == sorted(set(made))


@pytest.mark.property(26)
def test_within_a_millisecond_the_next_is_one_more() -> None:
    factory = UlidFactory()
    first = decode(factory.new(AT))
    assert decode(factory.new(AT + timedelta(microseconds=500))) == first + 1
    assert decode(factory.new(AT - timedelta(seconds=10))) == first + 2
    assert minted_at(factory.new(AT + timedelta(seconds=1))) == AT.replace(microsecond=123_000) + timedelta(seconds=1)


@pytest.mark.property(26)
def test_a_millisecond_without_a_next_value_fails_and_the_next_millisecond_works() -> None:
    bits = iter([b"\xff" * 10, bytes(10)])
    factory = UlidFactory(lambda _: next(bits))
    assert factory.new(AT).endswith("Z" * 16)
    for at in (AT, AT - timedelta(seconds=1)):
        with pytest.raises(UlidOverflow):
            factory.new(at)
    assert factory.new(AT + timedelta(milliseconds=1)).endswith("0" * 16)


@pytest.mark.parametrize("at", [datetime(1969, 12, 31, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)])
def test_the_time_must_fit(at: datetime) -> None:
    if at.year > 2000:
        assert minted_at(UlidFactory().new(at)) == at
    else:
        with pytest.raises(ValueError, match="48 bits"):
            UlidFactory().new(at)


def test_threads_share_one_row_of_numbers() -> None:
    factory = UlidFactory()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: factory.new(AT), range(2_000)))
    assert len(set(made)) == 2_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_does_not_go_on_with_its_parents_row() -> None:
    factory = UlidFactory()
    first = decode(factory.new(AT))
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=lambda: answers.put(factory.new(AT)))
    child.start()
    child.join()
    assert decode(answers.get()) != first + 1 == decode(factory.new(AT))
