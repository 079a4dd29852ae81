"""Idempotency as the vendors document it."""

from __future__ import annotations

import pytest

from infra.local.gateways.desk import Call, Ending
from infra.local.gateways.faults import Fault
from infra.local.gateways.keys import Seen
from infra.local.gateways.stripe_checks import StripeManners
from infra.local.gateways.wire import Request
from tests.infra.gateways.driving import SECRETS, Driver, intent, payment, read

HOUR, DAY = 3600.0, 86_400.0


def replayed(ending: Ending) -> bool:
    """Whether Stripe marks the answer as a replay."""
    return ("Idempotent-Replayed", "true") in ending.reply.headers


def test_the_same_key_replays_status_and_body_to_the_byte() -> None:
    driver = Driver()
    first, again = (driver.stripe("POST", "payment_intents", intent(1), key="1") for _ in range(2))
    assert (first.reply.status, first.reply.body) == (again.reply.status, again.reply.body)
    assert (replayed(first), replayed(again)) == (False, True)
    assert driver.kinds(1) == [("authorize", "succeeded", 10_000)]


@pytest.mark.parametrize("kind, status", [("decline", 402), ("error_after", 500), ("error_before", 500)])
def test_failures_are_replayed_too_once_execution_has_begun(kind: str, status: int) -> None:
    driver = Driver()
    driver.simulator.desk.faults.add(Fault(kind))
    endings = [driver.stripe("POST", "payment_intents", intent(1), key="1") for _ in range(3)]
    assert [ending.reply.status for ending in endings] == [status] * 3
    assert [replayed(ending) for ending in endings] == [False, True, True]
    authorized = kind == "error_after"
    assert driver.kinds(1).count(("authorize", "succeeded", 10_000)) == authorized


def test_a_refusal_by_the_payments_state_is_replayed() -> None:
    driver = Driver()
    ref = driver.pay("stripe", 1)
    cancels = [driver.stripe("POST", f"payment_intents/{ref}/cancel", key="1:void") for _ in range(2)]
    assert [(c.reply.status, replayed(c)) for c in cancels] == [(400, False), (400, True)]


def test_other_parameters_under_a_key_are_an_error_and_another_order_is_not() -> None:
    driver = Driver()
    driver.stripe("POST", "payment_intents", intent(1), key="1")
    other = driver.stripe("POST", "payment_intents", intent(1, 9_999), key="1")
    assert (other.reply.status, read(other)["error"]["type"]) == (400, "idempotency_error")
    turned = driver.stripe("POST", "payment_intents", dict(reversed(intent(1).items())), key="1")
    assert (turned.reply.status, replayed(turned)) == (200, True)


def test_the_same_key_of_another_account_is_another_key() -> None:
    driver = Driver()
    driver.stripe("POST", "payment_intents", intent(1), key="1")
    other = driver.stripe("POST", "payment_intents", intent(1), key="1", **{"stripe-account": "acct_other"})
    assert not replayed(other)


@pytest.mark.parametrize("given", [{"amount": "ten"}, {"currency": "xyz"}, {"unheard_of": 1}, {"amount": 0}])
def test_what_fails_validation_is_not_stored(given: dict[str, object]) -> None:
    driver = Driver()
    refused = driver.stripe("POST", "payment_intents", {**intent(1), **given}, key="1")
    assert refused.reply.status == 400
    assert driver.stripe("POST", "payment_intents", intent(1), key="1").reply.status == 200


@pytest.mark.parametrize("kind, status", [("rate_limited", 429), ("unavailable", 503), ("unauthorized", 401)])
def test_what_comes_before_execution_is_not_stored(kind: str, status: int) -> None:
    driver = Driver()
    driver.simulator.desk.faults.add(Fault(kind))
    assert driver.stripe("POST", "payment_intents", intent(1), key="1").reply.status == status
    after = driver.stripe("POST", "payment_intents", intent(1), key="1")
    assert (after.reply.status, replayed(after)) == (200, False)


def test_a_key_under_way_is_refused_and_then_replayed() -> None:
    driver = Driver()
    desk, manners = driver.simulator.desk, StripeManners(Request("POST", "/", "", {}, b""))
    call = Call("stripe", SECRETS.stripe_account, "authorize", "1", "pm_card_visa", "1", "same")
    assert not isinstance(desk.open(call, manners, 0), Ending)
    second = desk.open(call, manners, 0)
    assert isinstance(second, Ending)
    assert (second.reply.status, read(second)["error"]["code"]) == (409, "idempotency_key_in_use")


def test_a_key_is_gone_after_a_day_and_then_charges_again() -> None:
    driver = Driver()
    driver.stripe("POST", "payment_intents", intent(1), key="1")
    driver.simulator.advance(23.9 * HOUR)
    assert replayed(driver.stripe("POST", "payment_intents", intent(1), key="1"))
    driver.simulator.advance(0.2 * HOUR)
    assert not replayed(driver.stripe("POST", "payment_intents", intent(1), key="1"))
    assert len(driver.kinds(1)) == 2


def test_adyen_replays_the_first_answer_for_a_week_whatever_is_asked() -> None:
    driver = Driver()
    first = driver.adyen("payments", payment(1), key="1")
    driver.simulator.advance(6.9 * DAY)
    for amount in (10_000, 9_999):
        again = driver.adyen("payments", payment(1, amount), key="1")
        assert again.reply.body == first.reply.body
        assert ("idempotency-key", "1") in again.reply.headers
    driver.simulator.advance(0.2 * DAY)
    assert driver.adyen("payments", payment(1), key="1").reply.body != first.reply.body


def test_adyen_says_what_is_transient_and_what_is_under_way() -> None:
    driver = Driver()
    for kind, status, code, transient in (("unavailable", 503, "703", True), ("in_flight", 422, "704", False)):
        driver.simulator.desk.faults.add(Fault(kind))
        ending = driver.adyen("payments", payment(1), key="1")
        assert (ending.reply.status, read(ending)["errorCode"]) == (status, code)
        assert (("transient-error", "true") in ending.reply.headers) is transient
    assert driver.adyen("payments", payment(1), key="1").reply.status == 200


def test_keys_have_a_longest_length() -> None:
    driver = Driver()
    assert driver.adyen("payments", payment(1), key="k" * 64).reply.status == 200
    assert driver.adyen("payments", payment(2), key="k" * 65).reply.status == 422
    assert driver.stripe("POST", "payment_intents", intent(3), key="k" * 256).reply.status == 400


def test_without_a_key_every_call_is_a_new_one() -> None:
    driver = Driver()
    for _ in range(2):
        driver.stripe("POST", "payment_intents", intent(1))
    assert len(driver.kinds(1)) == 2


def test_an_effect_that_fails_leaves_neither_effect_nor_key() -> None:
    driver = Driver()
    desk, manners = driver.simulator.desk, StripeManners(Request("POST", "/", "", {}, b""))
    call = Call("stripe", "a", "authorize", "1", "", "1", "same")
    ticket = desk.open(call, manners, 0)
    assert not isinstance(ticket, Ending)

    def broken(*_: object) -> object:
        desk.store.remember("half", "done")
        raise RuntimeError("broken")
    with pytest.raises(RuntimeError):
        desk.close(ticket, broken, manners, 0)  # type: ignore[arg-type]
    assert desk.store.fact("half") is None
    assert desk.keys.begin("stripe", "a", "1", "same", 0)[0] is Seen.NEW
