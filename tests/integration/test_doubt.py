"""The gateway does it and does not say so: in doubt until it is asked. Webhooks never move a payment back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from infra.local.gateways.sender import FORGERIES
from tests.integration.site import GATEWAYS, Site, new_key, order, until


@pytest.fixture
def silent(site: Site) -> Iterator[Site]:
    """The gateways tell nothing by themselves for now."""
    site.gateways.webhooks(paused=True)
    yield site
    site.gateways.webhooks(paused=False, duplicate=0.0, reorder=False)


@pytest.mark.property(11, 44, 45, 47)
def test_what_was_not_heard_is_resolved_by_recovery(silent: Site) -> None:
    site = silent
    # Those that take longest first.
    asked = {new_key(): order(gateway, token)
             for token in ("pm_sim_timeout_after", "pm_sim_capture_timeout_after", "pm_sim_500_after")
             for gateway in GATEWAYS}
    calls = [partial(site.ask, body, key) for key, body in asked.items()]
    answers = dict(zip(asked, site.at_once(calls), strict=True))
    ids = [int(answer.payment_id or 0) for answer in answers.values()]
    assert {answer.status for answer in answers.values()} == {202}, answers
    for key, answer in answers.items():
        again = site.ask(asked[key], key)
        assert (again.status, again.payment_id) == (409, answer.payment_id), again
        assert not site.is_over(answer.payment_id)
        assert site.read(answer.payment_id).member("status") in ("in_doubt", "capturing", "voiding")
    # Adyen answers a stored failure like a new one: its key is tried a few times, then the hold is voided unseen.
    site.recover(ids[:-1])
    site.recover(ids[-1:], sweeps=5)
    site.check(ids)
    for key, answer in answers.items():
        told, read = site.insist(asked[key], key), site.read(answer.payment_id)
        assert (told.final, told.payment_id, told.replayed) == (True, answer.payment_id, True), told
        captured = asked[key]["payment_method"] == "pm_sim_capture_timeout_after"
        assert told.member("status") == read.member("status") == ("captured" if captured else "voided"), told
        keys = [row["key"] for row in site.book(answer.payment_id)]
        assert keys == [answer.payment_id, f"{answer.payment_id}:{'capture' if captured else 'void'}"]


@pytest.mark.property(48)
@pytest.mark.parametrize("gateway", ["stripe", "adyen"])
def test_webhooks_repeated_shuffled_forged_and_replayed_move_nothing(silent: Site, gateway: str) -> None:
    site = silent
    taken = [site.insist(order(gateway, **more), new_key()) for more in ({}, {"capture": "manual"})]
    declined = site.insist(order(gateway, "pm_card_chargeDeclined"), new_key())
    ids = [int(answer.payment_id or 0) for answer in (*taken, declined)]
    before = [site.payment(one) for one in ids]
    events = [event for one in ids for event in site.gateways.events(one)]
    assert len(events) >= 3
    for forgery in FORGERIES:
        # Adyen signs no time, so that a stale notification of it is one with a wrong signature.
        assert site.gateways.forge(forgery, events[0]["number"]) in (400, 401), forgery
    assert [site.payment(one) for one in ids] == before
    site.gateways.webhooks(paused=False, duplicate=1.0, reorder=True, seed=7)
    until(lambda: site.gateways.webhook_state()["waiting"] == 0, what="the webhooks")
    assert [site.payment(one) for one in ids] == before
    site.check(ids)


@pytest.mark.property(11, 48)
@pytest.mark.parametrize("gateway", ["stripe", "adyen"])
def test_a_webhook_that_ends_the_doubt_counts_once(silent: Site, gateway: str) -> None:
    site = silent
    key, body = new_key(), order(gateway, "pm_sim_capture_cut_after")
    answer = site.ask(body, key)
    payment_id = int(answer.payment_id or 0)
    assert (answer.status, site.status(payment_id)) == (202, "IN_DOUBT")
    reference = site.payment(payment_id)["gateway_ref"]
    site.gateways.webhooks(paused=False, duplicate=1.0, reorder=True, seed=3)
    until(lambda: site.status(payment_id) == "CAPTURED", what="the word of the capture")
    until(lambda: site.gateways.webhook_state()["waiting"] == 0, what="the webhooks")
    site.recover([payment_id])
    site.check([payment_id])
    assert site.calls(reference) == 1
    told = site.insist(body, key)
    assert (told.status, told.payment_id, told.replayed) == (201, answer.payment_id, True)
