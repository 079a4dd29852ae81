"""Adyen's Checkout API: payments, modifications that are received, and what the webhooks then say."""

from __future__ import annotations

import pytest

from tests.infra.gateways.driving import SECRETS, Driver, Form, payment, read

EUR = {"value": 10_000, "currency": "EUR"}


def test_a_payment_is_authorised_captured_and_refunded_with_a_reference_each() -> None:
    driver = Driver()
    made = read(driver.adyen("payments", payment(1), key="1"))
    assert (made["resultCode"], made["merchantReference"], made["amount"]) == ("Authorised", "1", EUR)
    assert len(made["pspReference"]) == 16
    taken = driver.adyen(f"payments/{made['pspReference']}/captures", {"amount": EUR, "reference": "mine"}, key="c")
    assert taken.reply.status == 201
    assert read(taken) == {"merchantAccount": SECRETS.adyen_account, "paymentPspReference": made["pspReference"],
                           "pspReference": read(taken)["pspReference"], "reference": "mine", "status": "received",
                           "amount": EUR}
    driver.refund("adyen", 1, made["pspReference"], 4_000)
    assert driver.events() == [("AUTHORISATION", "true"), ("CAPTURE", "true"), ("REFUND", "true")]
    assert driver.kinds(1) == [("authorize", "succeeded", 10_000), ("capture", "succeeded", 10_000),
                               ("refund", "succeeded", 4_000)]
    refs = {done["operation_ref"] for done in driver.simulator.report()}
    assert len(refs) == 3


@pytest.mark.parametrize("token, reason, code", [
    ("pm_card_chargeDeclined", "Refused", "2"),
    ("pm_card_chargeDeclinedInsufficientFunds", "Not enough balance", "12")])
def test_a_refusal_is_a_result(token: str, reason: str, code: str) -> None:
    driver = Driver()
    made = read(driver.adyen("payments", payment(1, token=token)))
    assert (made["resultCode"], made["refusalReason"], made["refusalReasonCode"]) == ("Refused", reason, code)
    assert driver.events() == [("AUTHORISATION", "false")]


def test_part_of_the_amount_may_be_authorised() -> None:
    made = read(Driver().adyen("payments", payment(1, token="pm_sim_partial")))
    assert (made["resultCode"], made["amount"]["value"]) == ("PartiallyAuthorised", 5_000)


def test_a_shopper_who_is_sent_away_is_cancelled_by_our_reference() -> None:
    driver = Driver()
    made = read(driver.adyen("payments", payment(1, token="pm_sim_requires_action")))
    assert made["resultCode"] == "RedirectShopper"
    assert "pspReference" not in made
    driver.adyen("cancels", {"paymentReference": "1"})
    assert driver.events() == [("TECHNICAL_CANCEL", "true")]


def test_what_cannot_be_done_is_received_and_refused_by_webhook() -> None:
    driver = Driver()
    ref = driver.pay("adyen", 1, capture=None)
    for path, given in (("captures", {"amount": {"value": 10_001, "currency": "EUR"}}),
                        ("captures", {"amount": {"value": 100, "currency": "USD"}}), ("captures", {"amount": EUR}),
                        ("captures", {"amount": EUR}), ("cancels", {})):
        assert read(driver.adyen(f"payments/{ref}/{path}", given))["status"] == "received"
    assert driver.events()[1:] == [("CAPTURE", "false"), ("CAPTURE", "false"), ("CAPTURE", "true"),
                                   ("CAPTURE", "false"), ("CANCELLATION", "false")]
    reasons = [event.body["reason"] for event in driver.simulator.outbox.all()][1:]
    assert reasons == ["Insufficient balance on payment", "Currency does not match", "",
                       "Transaction has been captured", "Transaction has been captured"]
    assert [done for done in driver.kinds(1) if done[1] == "succeeded"] == [
        ("authorize", "succeeded", 10_000), ("capture", "succeeded", 10_000)]


def test_a_capture_or_refund_may_fail_after_it_was_accepted() -> None:
    driver = Driver()
    driver.pay("adyen", 1, token="pm_sim_capture_fails")
    assert driver.events() == [("AUTHORISATION", "true"), ("CAPTURE", "true"), ("CAPTURE_FAILED", "true")]
    ref = driver.pay("adyen", 2, token="pm_sim_refund_fails")
    driver.refund("adyen", 2, ref, 10_000)
    assert driver.events()[-2:] == [("REFUND", "true"), ("REFUND_FAILED", "true")]
    captured, failed = driver.simulator.outbox.all()[1:3]
    assert captured.body["pspReference"] == failed.body["pspReference"]
    assert captured.body["originalReference"] != captured.body["pspReference"]


def test_cancelling_by_our_reference_takes_back_every_hold_that_carries_it_or_tells_that_there_is_none() -> None:
    driver = Driver()
    for key in ("a", "b"):
        driver.adyen("payments", payment(1), key=key)
    driver.adyen("cancels", {"paymentReference": "1"}, key="v")
    assert driver.kinds(1).count(("void", "succeeded", 10_000)) == 2
    driver.adyen("cancels", {"paymentReference": "9"}, key="w")
    assert driver.events()[-1] == ("TECHNICAL_CANCEL", "false")


def test_holds_lapse_after_four_weeks() -> None:
    driver = Driver()
    driver.pay("adyen", 1, capture=None)
    driver.simulator.advance(28 * 86_400)
    assert driver.kinds(1)[-1] == ("expire", "succeeded", 10_000)
    assert driver.events()[-1] == ("EXPIRE", "true")


def test_without_delay_a_payment_captures_itself() -> None:
    driver = Driver()
    driver.adyen("payments", {**payment(1), "captureDelayHours": 0})
    assert driver.kinds(1)[-1] == ("capture", "succeeded", 10_000)


def test_chargebacks_are_told() -> None:
    driver = Driver()
    ref = driver.pay("adyen", 1)
    for kind in ("chargeback", "chargeback_reversal"):
        driver.simulator.happen(kind, "1", vendor="adyen")
    assert driver.events()[-2:] == [("CHARGEBACK", "true"), ("CHARGEBACK_REVERSED", "true")]
    assert driver.simulator.outbox.all()[-1].body["originalReference"] == ref


def test_amounts_of_odd_currencies_are_reported_in_iso_units() -> None:
    driver = Driver()
    for number, (currency, amount, minor) in enumerate([("JPY", 500, 500), ("ISK", 50_000, 500), ("CLP", 50_000, 500),
                                                        ("IDR", 500, 50_000), ("KWD", 5_123, 5_123)]):
        driver.pay("adyen", number, amount, currency)
        assert driver.kinds(number)[-1] == ("capture", "succeeded", minor)


@pytest.mark.parametrize("change, status, code", [
    ({"amount": None}, 422, "100"), ({"amount": {"value": 0, "currency": "EUR"}}, 422, "137"),
    ({"amount": {"value": 1.5, "currency": "EUR"}}, 422, "137"),
    ({"amount": {"value": 5, "currency": "EU"}}, 422, "138"), ({"reference": ""}, 422, "130"),
    ({"paymentMethod": "card"}, 422, "14_006"), ({"merchantAccount": "Other"}, 403, "901")])
def test_bad_requests_are_refused_and_not_stored(change: Form, status: int, code: str) -> None:
    driver = Driver()
    refused = driver.adyen("payments", {**payment(1), **change}, key="1")
    assert (refused.reply.status, read(refused)["errorCode"], read(refused)["status"]) == (status, code, status)
    assert driver.adyen("payments", payment(1), key="1").reply.status == 200


def test_a_strange_key_path_and_reference_are_refused() -> None:
    driver = Driver()
    assert driver.adyen("payments", payment(1), **{"x-api-key": "other"}).reply.status == 401
    assert driver.adyen("stores", {}).reply.status == 404
    unknown = driver.adyen("payments/NOSUCHREFERENCE0/cancels", {})
    assert (unknown.reply.status, read(unknown)["errorCode"]) == (422, "167")
