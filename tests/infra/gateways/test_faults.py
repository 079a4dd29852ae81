"""Faults strike what they are asked to strike, as often as they are asked to."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local import gateways
from infra.local.gateways.faults import KINDS, TOKENS, Fault, parse
from infra.local.gateways.report import iso_time
from tests.infra.gateways.driving import Driver, intent


def statuses(driver: Driver, numbers: range) -> list[int]:
    """Status of a payment with each number."""
    return [driver.stripe("POST", "payment_intents", intent(number), key=str(number)).reply.status
            for number in numbers]


def test_a_fault_strikes_as_often_as_it_says_and_then_no_more() -> None:
    driver = Driver()
    driver.simulator.desk.faults.add(Fault("rate_limited", operation="authorize", count=2))
    driver.simulator.desk.faults.add(Fault("unavailable", operation="authorize"))
    assert statuses(driver, range(4)) == [429, 429, 503, 200]
    assert driver.simulator.desk.faults.waiting() == []


def test_a_fault_without_count_strikes_until_it_is_cleared() -> None:
    driver = Driver()
    driver.simulator.desk.faults.add(Fault("rate_limited", count=0))
    assert statuses(driver, range(3)) == [429] * 3
    driver.simulator.desk.faults.clear()
    assert statuses(driver, range(1)) == [200]


def test_a_fault_keeps_to_its_vendor_operation_and_payment() -> None:
    driver = Driver()
    for more in ({"vendor": "adyen"}, {"operation": "capture"}, {"payment_id": "9"}):
        driver.simulator.desk.faults.add(Fault("rate_limited", **more))  # type: ignore[arg-type]
    assert statuses(driver, range(2)) == [200, 200]
    assert len(driver.simulator.desk.faults.waiting()) == 3
    assert statuses(driver, range(9, 10)) == [429]


def test_chance_is_drawn_from_the_seed() -> None:
    runs = []
    for _ in range(2):
        driver = Driver()
        driver.simulator.desk.faults.add(Fault("rate_limited", count=0, probability=0.5, seed=7))
        runs.append(statuses(driver, range(30)))
    assert runs[0] == runs[1]
    assert 5 < runs[0].count(429) < 25


def test_a_replay_reaches_no_fault() -> None:
    driver = Driver()
    statuses(driver, range(1))
    driver.simulator.desk.faults.add(Fault("rate_limited"))
    assert statuses(driver, range(1)) == [200]


@pytest.mark.parametrize("token", [token for token, faults in TOKENS.items()
                                   if any(fault.count for fault in faults.values())])
def test_a_fault_of_a_token_strikes_the_first_attempt_alone(token: str) -> None:
    driver = Driver()
    faults = driver.simulator.desk.faults
    for operation, fault in TOKENS[token].items():
        assert [faults.take("stripe", operation, "1", token) for _ in range(2)] == [fault, None]
        assert faults.take("stripe", operation, "2", token) == fault


@pytest.mark.parametrize("kind, how, wait_s, authorized", [
    ("timeout_before", "silence", 60.0, 0), ("timeout_after", "silence", 60.0, 1), ("cut_before", "cut", 0.0, 0),
    ("cut_after", "cut", 0.0, 1), ("trickle", "trickle", 5.0, 1), ("garbage", "garbage", 0.0, 1),
    ("slow_after", "answer", 5.0, 1), ("error_after", "answer", 0.0, 1), ("error_before", "answer", 0.0, 0)])
def test_what_is_done_and_how_it_ends(kind: str, how: str, wait_s: float, authorized: int) -> None:
    driver = Driver()
    driver.simulator.desk.faults.add(Fault(kind))
    ending = driver.stripe("POST", "payment_intents", intent(1), key="1")
    assert (ending.how, ending.wait_s, len(driver.kinds(1))) == (how, wait_s, authorized)


def test_a_delay_rests_before_the_effect() -> None:
    driver = Driver()
    before = driver.simulator.now()
    driver.simulator.desk.faults.add(Fault("delay", seconds=8.0))
    driver.stripe("POST", "payment_intents", intent(1), key="1")
    assert driver.rested == [8.0]
    assert driver.simulator.report()[0]["at"] == iso_time(before + 8_000)


def test_every_kind_and_token_is_on_the_page() -> None:
    page = (Path(gateways.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in page] == []
    assert [token for token in TOKENS if f"`{token}`" not in page] == []


@pytest.mark.parametrize("body", [{}, {"kind": "unheard_of"}, {"kind": "delay", "operation": "dance"},
                                  {"kind": "delay", "colour": 1}])
def test_what_is_no_fault_is_refused_with_what_would_be(body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="kinds are rate_limited"):
        parse(body)
