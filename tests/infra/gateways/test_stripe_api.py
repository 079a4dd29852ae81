"""Stripe's API: states, amounts and refusals."""

from __future__ import annotations

import pytest

from infra.local.gateways.faults import Fault
from tests.infra.gateways.driving import Driver, Form, intent, read

WEEK = 7 * 86_400.0


def error(driver: Driver, method: str, path: str, given: Form | None = None, **headers: str) -> tuple[int, Form]:
    """Status and error of a call."""
    ending = driver.stripe(method, path, given, **headers)
    found: Form = read(ending)["error"]
    return ending.reply.status, found


def test_an_intent_goes_from_hold_to_capture_to_refund() -> None:
    driver = Driver()
    made = read(driver.stripe("POST", "payment_intents", {**intent(1), "expand[]": "latest_charge"}, key="1"))
    assert (made["status"], made["amount_capturable"], made["metadata"]) == ("requires_capture", 10_000,
                                                                             {"payment_id": "1"})
    card = made["latest_charge"]["payment_method_details"]["card"]
    assert card["capture_before"] - made["created"] == WEEK
    taken = read(driver.stripe("POST", f"payment_intents/{made['id']}/capture", {"amount_to_capture": 6_000}, key="c"))
    assert (taken["status"], taken["amount_received"], taken["amount_capturable"]) == ("succeeded", 6_000, 0)
    back = read(driver.stripe("POST", "refunds", {"charge": taken["latest_charge"], "amount": 1_000,
                                                  "metadata[payment_id]": 1}, key="r"))
    assert (back["status"], back["metadata"]) == ("succeeded", {"payment_id": "1"})
    assert read(driver.stripe("GET", f"refunds/{back['id']}"))["amount"] == 1_000
    charge = read(driver.stripe("GET", f"charges/{taken['latest_charge']}"))
    assert (charge["amount"], charge["amount_captured"], charge["amount_refunded"]) == (10_000, 6_000, 1_000)
    assert driver.kinds(1) == [("authorize", "succeeded", 10_000), ("capture", "succeeded", 6_000),
                               ("refund", "succeeded", 1_000)]


def test_an_intent_may_be_made_first_and_confirmed_later_and_captures_by_itself() -> None:
    driver = Driver()
    given = {"amount": 500, "currency": "usd", "metadata[payment_id]": 1}
    made = read(driver.stripe("POST", "payment_intents", given, key="1"))
    assert made["status"] == "requires_confirmation"
    done = read(driver.stripe("POST", f"payment_intents/{made['id']}/confirm", {"payment_method": "pm_card_visa"}))
    assert (done["status"], done["amount_received"]) == ("succeeded", 500)
    again, found = error(driver, "POST", f"payment_intents/{made['id']}/confirm", {"payment_method": "pm_card_visa"})
    assert (again, found["code"]) == (400, "payment_intent_unexpected_state")


@pytest.mark.parametrize("token, code, decline", [
    ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card")])
def test_a_decline_is_a_402_with_the_intent_inside(token: str, code: str, decline: str) -> None:
    driver = Driver()
    status, found = error(driver, "POST", "payment_intents", intent(1, token=token))
    assert (status, found["type"], found["code"], found["decline_code"]) == (402, "card_error", code, decline)
    assert found["payment_intent"]["status"] == "requires_payment_method"
    assert driver.kinds(1) == [("authorize", "refused", 10_000)]
    ref = found["payment_intent"]["id"]
    retried = read(driver.stripe("POST", f"payment_intents/{ref}/confirm", {"payment_method": "pm_card_visa"}))
    assert retried["id"] == ref


def test_a_shopper_who_must_act_is_waited_for_or_declined() -> None:
    driver = Driver()
    token = "pm_sim_requires_action"
    made = read(driver.stripe("POST", "payment_intents", intent(1, token=token)))
    assert made["status"] == "requires_action"
    assert read(driver.stripe("POST", f"payment_intents/{made['id']}/cancel"))["status"] == "canceled"
    status, found = error(driver, "POST", "payment_intents",
                          {**intent(2, token=token), "error_on_requires_action": "true"})
    assert (status, found["code"]) == (402, "authentication_required")


def test_a_hold_lapses_after_a_week_and_says_so() -> None:
    driver = Driver()
    ref = driver.pay("stripe", 1, capture=None)
    driver.simulator.advance(WEEK)
    found = read(driver.stripe("GET", f"payment_intents/{ref}"))
    assert (found["status"], found["cancellation_reason"]) == ("canceled", "automatic")
    status, refused = error(driver, "POST", f"payment_intents/{ref}/capture")
    assert (status, refused["code"]) == (400, "charge_expired_for_capture")
    assert driver.events()[-2:] == [("payment_intent.canceled", "canceled"), ("charge.expired", "succeeded")]


def test_states_refuse_what_does_not_fit_them() -> None:
    driver = Driver()
    ref = driver.pay("stripe", 1)
    for path in (f"payment_intents/{ref}/capture", f"payment_intents/{ref}/cancel"):
        status, found = error(driver, "POST", path)
        assert (status, found["code"], found["payment_intent"]["status"]) == (
            400, "payment_intent_unexpected_state", "succeeded")
    assert error(driver, "POST", "refunds", {"payment_intent": ref, "amount": 10_001})[1]["code"] == "amount_too_large"
    driver.refund("stripe", 1, ref, 10_000)
    assert error(driver, "POST", "refunds", {"payment_intent": ref})[1]["code"] == "charge_already_refunded"
    held = driver.pay("stripe", 2, capture=None)
    too_much = error(driver, "POST", f"payment_intents/{held}/capture", {"amount_to_capture": 10_001})
    assert (too_much[0], too_much[1]["code"]) == (400, "amount_too_large")
    assert error(driver, "POST", "refunds", {"payment_intent": held})[1]["code"] == "charge_not_captured"


@pytest.mark.parametrize("change, code, param", [
    ({"amount": ""}, "parameter_invalid_integer", "amount"), ({"amount": -5}, "parameter_invalid_integer", "amount"),
    ({"amount": 10**12}, "amount_too_large", "amount"), ({"currency": ""}, "parameter_missing", "currency"),
    ({"currency": "kwd", "amount": 12_345}, "parameter_invalid_integer", "amount"),
    ({"currency": "isk", "amount": 12_345}, "parameter_invalid_integer", "amount"),
    ({"payment_method": "4242"}, "resource_missing", "payment_method"),
    ({"colour": "red"}, "parameter_unknown", "colour")])
def test_bad_parameters_are_named(change: Form, code: str, param: str) -> None:
    driver = Driver()
    status, found = error(driver, "POST", "payment_intents", {**intent(1), **change})
    assert (status, found["type"], found["code"], found["param"]) == (400, "invalid_request_error", code, param)
    assert driver.simulator.report() == []


def test_a_strange_key_a_strange_path_and_a_strange_id_are_refused() -> None:
    driver = Driver()
    assert error(driver, "POST", "payment_intents", intent(1), authorization="Bearer sk_test_other")[0] == 401
    assert error(driver, "GET", "customers")[0] == 404
    status, found = error(driver, "GET", "payment_intents/pi_unknown")
    assert (status, found["code"]) == (404, "resource_missing")
    assert error(driver, "GET", "refunds/re_unknown")[0] == error(driver, "GET", "charges/ch_unknown")[0] == 404


def test_lists_come_newest_first_in_pages_within_bounds() -> None:
    driver = Driver()
    refs = []
    for number in range(5):
        refs.append(driver.pay("stripe", number, capture=None))
        driver.simulator.advance(10)
    everything = read(driver.stripe("GET", "payment_intents", {"limit": 3}))
    assert ([found["id"] for found in everything["data"]], everything["has_more"]) == (refs[:1:-1], True)
    rest = read(driver.stripe("GET", "payment_intents", {"limit": 3, "starting_after": refs[2]}))
    assert ([found["id"] for found in rest["data"]], rest["has_more"]) == ([refs[1], refs[0]], False)
    created = everything["data"][1]["created"]
    within = read(driver.stripe("GET", "payment_intents", {"created[gte]": created - 10, "created[lt]": created}))
    assert [found["id"] for found in within["data"]] == [refs[2]]


def test_amounts_of_odd_currencies_are_reported_in_iso_units() -> None:
    driver = Driver()
    for number, (currency, amount, minor) in enumerate([("JPY", 500, 500), ("ISK", 50_000, 500), ("KWD", 5_000, 5_000),
                                                        ("MGA", 500, 50_000)]):
        driver.pay("stripe", number, amount, currency)
        assert driver.kinds(number)[-1] == ("capture", "succeeded", minor)


def test_half_is_authorised_where_the_card_has_no_more() -> None:
    driver = Driver()
    made = read(driver.stripe("POST", "payment_intents", {**intent(1, 1_001, token="pm_sim_partial"),
                                                          "expand[]": "latest_charge"}))
    assert (made["amount"], made["amount_capturable"]) == (1_001, 500)
    card = made["latest_charge"]["payment_method_details"]["card"]
    assert card["partial_authorization"]["status"] == "partially_authorized"


def test_disputes_and_failed_refunds_are_told() -> None:
    driver = Driver()
    ref = driver.pay("stripe", 1)
    driver.simulator.happen("chargeback", "1", vendor="stripe", amount=4_000)
    driver.simulator.happen("chargeback_reversal", "1", vendor="stripe")
    driver.refund("stripe", 1, ref, 2_000)
    driver.simulator.happen("refund_failed", "1", vendor="stripe")
    kinds = [kind for kind, _ in driver.events()]
    assert kinds[-7:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed",
                          "charge.dispute.funds_reinstated", "refund.created", "charge.refunded", "refund.failed"]
    amounts = {done["kind"]: done["amount_minor"] for done in driver.simulator.report()}
    assert (amounts["chargeback"], amounts["chargeback_reversal"], amounts["refund_failed"]) == (4_000, 4_000, 2_000)
    assert read(driver.stripe("GET", f"payment_intents/{ref}", {"expand[]": "latest_charge"}))["latest_charge"][
        "amount_refunded"] == 0


def test_a_lost_webhook_leaves_no_event() -> None:
    driver = Driver()
    driver.simulator.desk.faults.add(Fault("webhook_lost"))
    driver.stripe("POST", "payment_intents", intent(1))
    assert driver.events() == []
