"""Drives a plan through the API: each order in one thread, many orders at once, twins of one at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from infra.local.traffic.plan import Order
from infra.local.traffic.shop import Exchange, Shop

PATIENCE_S = 30.0
"""How long a merchant asks again with the same key before it leaves the payment to its own."""
PAYMENTS = "/v1/payments"


@dataclass(frozen=True, slots=True)
class Asked:
    """A key that was used, with its request, so that it can be asked again."""

    order: Order
    what: str
    path: str
    key: str
    body: dict[str, object]


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that are waited for; on an interrupt what has not begun never does."""
    pool = ThreadPoolExecutor(count)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


class Driver:
    """Takes orders of one run; `told` is called with each that has been dealt with. With `reads` each is read once."""

    def __init__(self, shop: Shop, run: str, *, told: Callable[[Order], None] = lambda _: None,
                 reads: bool = True) -> None:
        self._shop, self._run, self._told, self._reads = shop, run, told, reads

    def drive(self, orders: Sequence[Order], *, concurrency: int) -> list[Asked]:
        """All orders, `concurrency` of them at once; every key that was used, in the order of the orders."""
        with _threads(concurrency) as taking, _threads(concurrency * 4) as self._twins:
            return [asked for found in taking.map(self._take, orders) for asked in found]

    def again(self, asked: Sequence[Asked], *, concurrency: int, patience_s: float = PATIENCE_S) -> list[Exchange]:
        """The same requests once more, for their stored answers."""
        with _threads(concurrency) as asking:
            return list(asking.map(lambda one: self._insist(replace(one, what="again"), patience_s), asked))

    def _take(self, order: Order) -> list[Asked]:
        kind = order.kind
        pay = Asked(order, "pay", PAYMENTS, order.key(self._run), order.body(self._run))
        twins: list[Future[Exchange]] = [self._twins.submit(self._insist, replace(pay, what="twin"))
                                         for _ in range(kind.twins - 1)]
        answer = self._insist(pay)
        used = [pay]
        for twin in twins:
            twin.result()
        if kind.other:
            self._shop.ask("other", order.merchant, order.number, pay.path, pay.key,
                           pay.body | {"amount_minor": order.amount_minor + 1000})
        if answer.payment_id:
            if kind.then and answer.status == 201:
                used.append(then := self._then(order, answer.payment_id))
                self._insist(then)
            if self._reads:
                self._shop.ask("read", order.merchant, order.number, f"{PAYMENTS}/{answer.payment_id}")
        if kind.again:
            for one in used:
                self._insist(replace(one, what="again"))
        self._told(order)
        return used

    def _then(self, order: Order, payment_id: str) -> Asked:
        """What the merchant does with its authorised payment."""
        if order.kind.then == "cancel":
            return Asked(order, "cancel", f"{PAYMENTS}/{payment_id}/cancels", order.key(self._run, "cancel"), {})
        part: dict[str, object] = {"amount_minor": order.part_minor} if order.kind.then == "capture_part" else {}
        return Asked(order, "capture", f"{PAYMENTS}/{payment_id}/captures", order.key(self._run, "capture"), part)

    def _insist(self, asked: Asked, patience_s: float = PATIENCE_S) -> Exchange:
        order = asked.order
        return self._shop.insist(asked.what, order.merchant, order.number, asked.path, asked.key, asked.body,
                                 patience_s=patience_s)
