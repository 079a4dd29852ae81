"""A part of the machinery is gone for a while: Redis, PostgreSQL, the gateways. Nothing is lost, nothing done twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import LiteralString
from uuid import uuid4

import pytest

from infra.local.gateways import GatewaySimulator
from tests.integration.site import GATEWAYS, PAYMENTS, Site, new_key, order, until


@pytest.fixture
def without_redis(site: Site) -> Iterator[None]:
    """Redis is killed, and is there again afterwards."""
    site.pipeline.redis.kill()
    yield
    site.pipeline.redis.restart()


@contextmanager
def nobody_listens(site: Site) -> Iterator[None]:
    """Connections to the gateways are refused for the block's length; afterwards they are there with the same book."""
    old = site.pipeline.gateways
    old.stop(keep=True)
    try:
        yield
    finally:
        site.pipeline.gateways = GatewaySimulator.start(old.folder, port=int(old.endpoint.rpartition(":")[2]))


@pytest.mark.property(2, 41, 43)
def test_without_redis_the_ledger_alone_keeps_calls_apart(site: Site, without_redis: None) -> None:
    before = site.calls()
    asked = {new_key(): order(gateway) for gateway in GATEWAYS * 2}
    answers = site.at_once([partial(site.insist, body, key) for key, body in asked.items() for _ in range(3)])
    assert {answer.status for answer in answers} == {201}
    ids = {int(answer.payment_id or 0) for answer in answers}
    assert len(ids) == len(asked)
    site.check(ids)
    # An authorisation and a capture each, and not one call more.
    assert site.calls() - before == 2 * len(asked)
    logged = site.logged("lock_unavailable")
    assert {int(line["payment_id"]) for line in logged} >= ids


@pytest.mark.property(41, 43)
def test_redis_dies_while_a_gateway_works(site: Site) -> None:
    site.gateways.fault("delay", operation="authorize", seconds=1.0)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(site.insist, order(), new_key())
        until(lambda: not site.gateways.faults(), what="the call")
        site.pipeline.redis.kill()
        answer = asked.result()
    site.pipeline.redis.restart()
    assert answer.status == 201, answer
    site.check([int(answer.payment_id or 0)])


@pytest.mark.property(51, 54, 59, 64)
def test_postgres_dies_in_the_middle_of_sagas(site: Site) -> None:
    run = uuid4().hex
    tokens = ["pm_card_visa", "pm_sim_slow_8s", "pm_card_mastercard", "pm_card_visa", "pm_sim_fraud_review"]
    requests = {new_key(): order(GATEWAYS[number % 2], token, reference=f"{run}-{number}")
                for number, token in enumerate(tokens)}
    of_run: LiteralString = "SELECT payment_id, status FROM payments WHERE reference LIKE %s || '%%'"
    committed: LiteralString = ("SELECT j.journal_id, e.entry_id, e.account, e.direction, e.amount_minor "
                                "FROM journals j JOIN ledger_entries e USING (journal_id)")
    # Both steps last nearly as long as their budgets allow: they meet also where functions load slowly.
    site.gateways.fault("delay", operation="capture", count=0, seconds=7.0)
    with ThreadPoolExecutor(len(requests)) as pool:
        running = {key: pool.submit(site.ask, body, key) for key, body in requests.items()}
        until(lambda: {"AUTHORIZING", "CAPTURING"} <= {row["status"] for row in site.rows(of_run, run)},
              what="sagas at both gateway steps")
        site.gateways.clear_faults()
        before = {tuple(row.values()) for row in site.rows(committed)}
        site.pipeline.postgres.kill()
        site.pipeline.postgres.restart()
        after = {tuple(row.values()) for row in site.rows(committed)}
        assert before <= after
        answers = {key: future.result() for key, future in running.items()}
    ids = [int(row["payment_id"]) for row in site.rows(of_run, run)]
    site.recover(ids)
    site.check(ids)
    for key, body in requests.items():
        site.lapse(key)
        told = site.insist(body, key)
        assert told.final, told
        if answers[key].final:
            assert (told.status, told.body) == (answers[key].status, answers[key].body)
        elif answers[key].payment_id:
            assert told.payment_id == answers[key].payment_id
    rows = site.rows(of_run, run)
    assert len(rows) == len(requests)
    site.check([int(row["payment_id"]) for row in rows])


@pytest.mark.property(10)
def test_without_postgres_nothing_begins_and_the_key_stays_free(site: Site) -> None:
    before, key, body = site.calls(), new_key(), order(reference=uuid4().hex)
    made = site.insist(order(), new_key())
    site.pipeline.postgres.kill()
    try:
        answers = site.ask(body, key), site.read(made.payment_id)
    finally:
        site.pipeline.postgres.restart()
    assert [(answer.status, answer.retry_after_s) for answer in answers] == [(503, 2), (503, 2)], answers
    assert site.record(key) == {}
    assert site.read(made.payment_id).status == 200
    told = site.insist(body, key)
    assert (told.status, told.replayed) == (201, False)
    rows = site.rows("SELECT payment_id FROM payments WHERE reference = %s", body["reference"])
    assert [str(row["payment_id"]) for row in rows] == [told.payment_id]
    assert site.calls() - before == 4
    site.check([int(told.payment_id or 0)])


@pytest.mark.property(28, 58)
def test_gateways_that_cannot_be_reached_have_done_nothing(site: Site) -> None:
    requests = {new_key(): order(gateway) for gateway in GATEWAYS}
    with nobody_listens(site):
        answers = site.at_once([partial(site.ask, body, key) for key, body in requests.items()])
    for answer in answers:
        payment = site.payment(answer.payment_id)
        assert (answer.status, answer.member("code")) == (402, payment["cause"]), answer
        assert payment["status"] == "VOIDED"
        assert site.book(answer.payment_id) == []
    site.check([int(answer.payment_id or 0) for answer in answers])
    assert {site.insist(body, key).body for key, body in requests.items()} == {answer.body for answer in answers}


@pytest.mark.property(28, 39, 58)
def test_a_hold_is_given_back_once_its_gateway_is_there_again(site: Site) -> None:
    resting = site.insist(order(capture="manual"), new_key())
    key, path = new_key(), f"{PAYMENTS}/{resting.payment_id}/cancels"
    with nobody_listens(site):
        answer = site.ask({}, key, path)
    assert (answer.status, answer.payment_id) == (202, resting.payment_id), answer
    site.recover([int(resting.payment_id or 0)])
    site.check([int(resting.payment_id or 0)])
    told = site.insist({}, key, path)
    assert (told.status, told.member("status"), told.replayed) == (201, "voided", True)
