"""Each function is killed while it is inside its step: the saga takes its way back, or recovery finishes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import uuid4

import pytest
import redis
from _pytest.mark import ParameterSet

from infra.local.deploy import invoked
from infra.local.errors import LocalRefused
from infra.local.traffic.shop import Exchange
from tests.integration.holds import (
    ENTERING,
    JOURNAL,
    LIMIT,
    PAYMENT,
    SAGA_JOURNAL,
    kill,
    locked,
    stopped,
)
from tests.integration.site import PAYMENTS, Site, new_key, order, until


def at_night(*values: str) -> ParameterSet:
    """Values that are tried at night alone."""
    return pytest.param(*values, marks=pytest.mark.nightly)


@dataclass(frozen=True)
class Request:
    """A request that runs, and how it is repeated."""

    site: Site
    body: dict[str, Any]
    key: str
    path: str
    answer: Future[Exchange]

    def payment_id(self) -> int:
        """Its payment, which must have been opened."""
        if self.path != PAYMENTS:
            return int(self.path.split("/")[3])
        query: LiteralString = "SELECT payment_id FROM payments WHERE reference = %s"
        found = until(lambda: self.site.rows(query, self.body["reference"]), what="the payment's row")
        return int(found[0]["payment_id"])

    def reaches(self, there: Callable[[], object]) -> None:
        """Waits until `there`; the request must not be answered before."""
        def found() -> bool:
            assert not self.answer.done() or there(), self.answer.result()
            return bool(there())

        until(found, what="where the request is held")

    def reaches_the_gateway(self) -> None:
        """Waits until the call that a fault waits for is there."""
        self.reaches(lambda: not self.site.gateways.faults())


@contextmanager
def running(site: Site, body: dict[str, Any], path: str = PAYMENTS) -> Iterator[Request]:
    """One request, asked in a thread."""
    named = body | {"reference": uuid4().hex} if path == PAYMENTS else body
    key = new_key()
    with ThreadPoolExecutor(1) as pool:
        yield Request(site, named, key, path, pool.submit(site.ask, named, key, path))


def resting(site: Site, gateway: str) -> int:
    """A payment that its merchant has yet to capture or cancel."""
    made = site.insist(order(gateway, capture="manual"), new_key())
    assert made.status == 201, made
    assert made.payment_id is not None
    return int(made.payment_id)


def ended(request: Request, *, recovered: bool = True) -> dict[str, Any]:
    """The payment once recovery has had its one sweep: all of it holds, and the key is answered with it for good."""
    site, payment_id = request.site, request.payment_id()
    first = request.answer.result()
    if recovered:
        site.recover([payment_id])
    site.check([payment_id])
    if first.status in (0, 500, 502, 503, 504):
        # Nobody is left who could have closed the record: its lease has to end.
        site.lapse(request.key, request.path)
    else:
        assert first.payment_id == str(payment_id), first
        assert site.record(request.key, request.path)["state"]["S"] == "COMPLETED", first
    told = site.insist(request.body, request.key, request.path)
    assert told.final, told
    assert told.payment_id == str(payment_id), told
    if first.final:
        assert (told.status, told.body) == (first.status, first.body)
    site.check([payment_id])
    found = site.payment(payment_id)
    assert found["captured_minor"] in (0, found["amount_minor"])
    return found


def forget_lock(site: Site, payment_id: int) -> None:
    """What the lock of a dead process does after five seconds."""
    redis.Redis.from_url(site.pipeline.redis.url).delete(f"fence:payment:{payment_id}")


@pytest.mark.property(28, 35)
def test_validate_dies_before_its_first_row(site: Site) -> None:
    with locked(site, ENTERING) as lock, running(site, order()) as request:
        request.reaches(lambda: lock.stops("INSERT INTO payments"))
        kill(site, "ValidatePayment")
        lock.release()
        assert request.answer.result().status == 402
        assert ended(request, recovered=False)["status"] == "REJECTED"


@pytest.mark.property(28, 35, 57)
def test_reserve_dies_before_its_hold(site: Site) -> None:
    with locked(site, LIMIT, "authorization_hold:merchant_a", "EUR") as lock, running(site, order()) as request:
        request.reaches(lambda: lock.stops("UPDATE balances"))
        kill(site, "ReserveBalance")
        lock.release()
        assert request.answer.result().status == 402
        assert ended(request, recovered=False)["status"] == "REJECTED"


@pytest.mark.property(28, 29, 35, 44)
@pytest.mark.parametrize("gateway, fault", [
    ("stripe", "delay"), ("adyen", "slow_after"), at_night("stripe", "slow_after"), at_night("adyen", "delay")])
def test_authorize_dies_while_the_gateway_works(site: Site, gateway: str, fault: str) -> None:
    site.gateways.fault(fault, operation="authorize", seconds=2.0)
    with running(site, order(gateway)) as request:
        payment_id = request.payment_id()
        request.reaches_the_gateway()
        kill(site, "AuthorizeGateway")
        forget_lock(site, payment_id)
        until(lambda: site.book(payment_id, "authorize"), what="the hold at the gateway")
        assert request.answer.result().status in (202, 402)
        found = ended(request)
    assert (found["status"], found["cause"]) == ("VOIDED", "interrupted")
    assert [row["kind"] for row in site.book(payment_id)] == ["authorize", "void"]


@pytest.mark.property(28, 32, 35, 44)
@pytest.mark.parametrize("gateway, fault", [
    ("stripe", "delay"), ("adyen", "slow_after"), at_night("stripe", "slow_after"), at_night("adyen", "delay")])
def test_capture_dies_while_the_gateway_works(site: Site, gateway: str, fault: str) -> None:
    site.gateways.fault(fault, operation="capture", seconds=2.0)
    with running(site, order(gateway)) as request:
        payment_id = request.payment_id()
        request.reaches_the_gateway()
        kill(site, "CaptureOrVoid")
        forget_lock(site, payment_id)
        until(lambda: site.book(payment_id, "capture"), what="the capture")
        assert request.answer.result().status == 202
        assert ended(request)["status"] == "COMMITTED"


@pytest.mark.property(28, 32, 35)
def test_commit_dies_before_its_posting(site: Site) -> None:
    payment_id = resting(site, "stripe")
    with (locked(site, JOURNAL, payment_id, "COMMIT") as lock,
          running(site, {}, f"{PAYMENTS}/{payment_id}/captures") as request):
        request.reaches(lambda: lock.stops("INSERT INTO journals"))
        kill(site, "CommitLedger")
        lock.release()
        assert request.answer.result().status == 201
        assert ended(request)["status"] == "COMMITTED"


@pytest.mark.property(28, 33, 35)
def test_notify_dies_and_changes_nothing(site: Site) -> None:
    with stopped(site, "NotifyMerchant"), running(site, order()) as request:
        payment_id = request.payment_id()
        until(lambda: site.is_over(payment_id), what="the commit")
        assert not request.answer.done()
        before = site.payment(payment_id)
        kill(site, "NotifyMerchant")
        assert request.answer.result().status == 201
        assert ended(request, recovered=False) == before


@pytest.mark.property(28, 29, 35, 39)
@pytest.mark.parametrize("gateway, fault", [
    ("stripe", "slow_after"), at_night("adyen", "slow_after"), at_night("stripe", "delay"), at_night("adyen", "delay")])
def test_the_void_dies_while_the_gateway_works(site: Site, gateway: str, fault: str) -> None:
    payment_id = resting(site, gateway)
    site.gateways.fault(fault, operation="void", seconds=2.0)
    with running(site, {}, f"{PAYMENTS}/{payment_id}/cancels") as request:
        request.reaches_the_gateway()
        kill(site, "AuthorizeGateway")
        forget_lock(site, payment_id)
        until(lambda: site.book(payment_id, "void"), what="the void")
        assert request.answer.result().status == 202
        assert ended(request)["status"] == "VOIDED"


@pytest.mark.property(28, 29, 35)
@pytest.mark.parametrize("function, row, statement", [
    ("ReserveBalance", (JOURNAL, "RELEASE"), "INSERT INTO journals"),
    ("ValidatePayment", (SAGA_JOURNAL, "validate", "undo"), "INSERT INTO saga_journal")], ids=["release", "reject"])
def test_an_undo_dies_before_it_is_written(site: Site, function: str, row: tuple[Any, ...], statement: str) -> None:
    payment_id = resting(site, "adyen")
    with (locked(site, row[0], payment_id, *row[1:]) as lock,
          running(site, {}, f"{PAYMENTS}/{payment_id}/cancels") as request):
        request.reaches(lambda: lock.stops(statement))
        kill(site, function)
        lock.release()
        assert request.answer.result().status == 202
        assert ended(request)["status"] == "VOIDED"


@pytest.mark.property(2, 12, 28)
@pytest.mark.parametrize("gateway", ["stripe", at_night("adyen")])
def test_checkout_dies_after_its_claim(site: Site, gateway: str) -> None:
    site.gateways.fault("delay", operation="authorize", seconds=1.5)
    with running(site, order(gateway)) as request:
        request.reaches_the_gateway()
        kill(site, "Checkout")
        assert request.answer.result().status >= 500
        early = site.ask(request.body, request.key)
        assert (early.status, early.payment_id) == (409, str(request.payment_id()))
        until(lambda: site.is_over(request.payment_id()), what="the saga, which goes on")
        assert ended(request, recovered=False)["status"] == "COMMITTED"


@pytest.mark.property(27, 38)
def test_a_sweep_that_dies_is_followed_by_the_next(site: Site) -> None:
    site.gateways.webhooks(paused=True)
    try:
        with running(site, order(token="pm_sim_capture_cut_after")) as request:
            payment_id = request.payment_id()
            assert request.answer.result().status == 202
            site.age([payment_id])
            with locked(site, PAYMENT, payment_id) as lock, ThreadPoolExecutor(1) as pool:
                swept = pool.submit(invoked, site.aws, site.pipeline.deployment.function("Recovery"), {})
                until(lambda: lock.stops("FOR UPDATE"), what="the sweep's claim")
                kill(site, "Recovery")
                lock.release()
                with pytest.raises(LocalRefused):
                    swept.result()
            assert ended(request)["status"] == "COMMITTED"
    finally:
        site.gateways.webhooks(paused=False)
