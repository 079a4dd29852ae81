"""What a seed draws."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.errors import LocalRefused
from infra.local.gateways.faults import TOKENS
from infra.local.traffic.kinds import KINDS, WARM_UP, by_name
from infra.local.traffic.plan import LIMITED, MERCHANTS, counts, early_doubts, gateway_of, plan, warm_up
from pipeline.fraud.rules import RulesScorer
from pipeline.handlers.http.idempotency_key import PATTERN
from pipeline.handlers.http.models import PaymentRequest, read
from pipeline.ledger.statuses import Status
from pipeline.money import Money, to_gateway

RUN = "0a1b2c3d"
FRAUD_TOKENS = {"pm_sim_fraud_reject", "pm_sim_fraud_review"}


@given(st.integers(1, 700), st.integers(0, 2**32))
def test_a_plan_is_as_long_as_asked_and_the_same_again(payments: int, seed: int) -> None:
    orders = plan(payments, seed)
    assert [order.number for order in orders] == list(range(payments))
    assert orders == plan(payments, seed)
    assert sum(counts(orders).values()) == payments


@given(st.integers(0, 2**32))
def test_every_order_is_a_request_that_the_edge_takes(seed: int) -> None:
    for order in plan(120, seed):
        wanted = read(PaymentRequest, order.body(RUN))
        to_gateway(Money(wanted.amount_minor, wanted.currency), gateway_of(order))
        to_gateway(Money(order.part_minor, wanted.currency), gateway_of(order))
        assert 0 < order.part_minor < order.amount_minor
        assert gateway_of(order) in order.kind.gateways
        assert re.fullmatch(PATTERN, order.key(RUN))
        assert (order.merchant == LIMITED) is order.kind.limited


def test_five_hundred_payments_have_every_kind() -> None:
    found = counts(plan(500, 7))
    assert set(found) == {kind.name for kind in KINDS}
    assert sum(kind.share for kind in KINDS) == 1000
    assert found["plain"] == 250


def test_another_seed_draws_other_payments() -> None:
    assert plan(50, 1) != plan(50, 2)


def test_kinds_name_tokens_and_statuses_that_exist() -> None:
    for kind in KINDS:
        assert set(kind.tokens) <= TOKENS.keys() | FRAUD_TOKENS, kind.name
        assert kind.ends <= {str(status) for status in Status}, kind.name


def test_ordinary_amounts_are_no_fraud() -> None:
    """The rules on amounts must not stop what a kind wants to see captured."""
    from pipeline.fraud.port import FraudInput

    for order in plan(500, 3):
        asked = FraudInput(1, order.merchant, order.amount_minor, order.currency, order.token, None, {})
        expected = {"fraud_rejected": "reject", "fraud_review": "review"}.get(order.kind.name, "approve")
        assert RulesScorer().score(asked, budget_s=1).decision == expected, order


def test_only_merchants_with_a_key_sell() -> None:
    orders = plan(200, 1, ["merchant_b"])
    assert {order.merchant for order in orders} == {"merchant_b"}
    assert "KWD" not in {order.currency for order in orders}
    assert all(not order.kind.limited for order in orders)


@pytest.mark.parametrize("merchants, payments, said", [(["other"], 5, "none of"), (None, 0, "one or more")])
def test_what_cannot_be_planned_is_refused(merchants: list[str] | None, payments: int, said: str) -> None:
    with pytest.raises(LocalRefused, match=said):
        plan(payments, 1, merchants)


@pytest.mark.parametrize("concurrency, sizes", [
    (1, [1, 1, 1]), (2, [1, 2, 2, 2]), (8, [1, 2, 4, 8, 8, 8]), (5, [1, 2, 4, 5, 5, 5])])
def test_the_warm_up_grows_to_the_concurrency(concurrency: int, sizes: list[int]) -> None:
    waves = warm_up(concurrency, 1)
    assert [len(wave) for wave in waves] == sizes
    numbers = [order.number for wave in waves for order in wave]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) < 0
    assert {order.kind for wave in waves for order in wave} == {WARM_UP}
    assert waves[0][0].reference(RUN) != plan(1, 1)[0].reference(RUN)


def test_kinds_are_found_by_name() -> None:
    assert by_name("declined").ends == {"DECLINED"}
    assert by_name("rests_authorized").manual
    assert not by_name("plain").manual
    assert set(MERCHANTS) >= {"merchant_a"}


def test_doubts_come_early_and_nothing_else_changes() -> None:
    orders = plan(300, 7)
    moved = early_doubts(orders, 7)
    assert sorted(order.number for order in moved) == sorted(order.number for order in orders)
    assert not [order.kind.name for order in moved[220:] if order.kind.doubtful]
    assert {"authorize_timeout_after", "capture_cut_after", "void_in_doubt"} <= {
        order.kind.name for order in moved if order.kind.doubtful}
    assert not by_name("plain").doubtful
    assert early_doubts(orders[:1], 7) == orders[:1]
