"""Payments through the deployed pipeline, over HTTP, by the rate that is required and by that of an empty saga."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psutil

from bench.empty import EmptySaga
from bench.ratio import Ratio, alternate
from infra.local.deploy import STACK
from infra.local.stack import Stack
from infra.local.traffic.drive import Driver
from infra.local.traffic.kinds import by_name
from infra.local.traffic.plan import Order, gateway_of, plan
from infra.local.traffic.shop import Shop

CONCURRENCY = 8
PER_SECOND = 4
EMPTY_BAR = 4.0
"""A payment may take four times as long as a saga in which nothing happens."""
_PAYMENTS, _PAYMENTS_SMALL = 80, 16
_WAVES = (1, 2, 4, 8, 16, 16)
_FIRST = ("stripe", "adyen")


@dataclass(frozen=True, slots=True)
class Work:
    """Seconds of processor time that a process and the functions have used, by their names."""

    emulator: float
    functions: dict[str, float]


def measure(scratch: Path, *, small: bool) -> Iterator[Ratio]:
    """Two figures of the same payments: against the rate required, and against as many empty sagas in turns."""
    count, rounds = (_PAYMENTS_SMALL, 1) if small else (_PAYMENTS, 3)
    with Stack.start(scratch / "stack", pipeline=True, parameters={"ScheduleState": "DISABLED"}) as stack:
        assert stack.pipeline is not None
        deployment = stack.pipeline.deployment
        shop = Shop(deployment.api, deployment.keys, connections=CONCURRENCY)
        empty = EmptySaga(stack.environment())
        orders = _plain()
        first = {gateway: _first_call(shop, orders, gateway) for gateway in _FIRST}
        for size in _WAVES:
            _pay(shop, orders, size)
            empty.run(size, concurrency=CONCURRENCY)
        before = _work(stack)
        ours, nothing = alternate(partial(_pay, shop, orders, count),
                                  partial(empty.run, count, concurrency=CONCURRENCY), rounds=rounds)
        used = _used(before, _work(stack), count * rounds)
        slow = sorted(one.seconds for one in shop.record.exchanges[-count:])
    facts = {"payments": count, "rounds": rounds, "concurrency": CONCURRENCY}
    more = {"per_second": round(count / ours, 2), "median_ms": round(slow[len(slow) // 2] * 1000),
            "cpu_ms_per_payment": used, "cold_first_call_s": first}
    yield Ratio("payments end to end, by the rate required", ours, count / PER_SECOND, 1.0,
                facts={**facts, "required_per_second": PER_SECOND, **more})
    yield Ratio("payments end to end, by an empty saga", ours, nothing, EMPTY_BAR,
                facts={**facts, "per_second": round(count / ours, 2), "empty_per_second": round(count / nothing, 2)})


def _plain() -> Iterator[Order]:
    """Ordinary payments without end, each another one."""
    numbers = itertools.count()
    for seed in itertools.count():
        yield from (replace(order, number=next(numbers)) for order in plan(200, seed) if order.kind == by_name("plain"))


def _pay(shop: Shop, orders: Iterator[Order], count: int) -> None:
    """Makes so many payments. On a busy machine a step may be late and its payment taken back: one in ten at most."""
    driver = Driver(shop, f"b{time.time_ns():x}", reads=False)
    driver.drive(list(itertools.islice(orders, count)), concurrency=CONCURRENCY)
    captured = sum(one.status == 201 for one in shop.record.exchanges[-count:])
    assert captured * 10 >= count * 9, f"{captured} of {count} payments were captured"


def _first_call(shop: Shop, orders: Iterator[Order], gateway: str) -> float:
    """Seconds of the first payment with a gateway, all that is loaded for it included."""
    order = next(order for order in orders if gateway_of(order) == gateway)
    return round(shop.ask("pay", order.merchant, 0, "/v1/payments", f"first-payment-at-{gateway}",
                          order.body("first")).seconds, 2)


def _work(stack: Stack) -> Work:
    functions: dict[str, float] = {}
    emulator = 0.0
    for process in stack.emulator.server.tree():
        try:
            times, name = process.cpu_times(), process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "")
        except psutil.NoSuchProcess:
            continue
        if name.startswith(f"{STACK}-"):
            function = name.removeprefix(f"{STACK}-")
            functions[function] = functions.get(function, 0.0) + times.user + times.system
        elif process.pid == stack.emulator.server.pid:
            emulator = times.user + times.system
    return Work(emulator, functions)


def _used(before: Work, after: Work, payments: int) -> dict[str, float]:
    """Milliseconds of processor time per payment: of each function, of all, and of the emulator (for both sides)."""
    by_name = {name: round((seconds - before.functions.get(name, 0.0)) * 1000 / payments, 1)
               for name, seconds in sorted(after.functions.items())}
    used = {name: spent for name, spent in by_name.items() if spent > 0}
    return {**used, "all functions": round(sum(used.values()), 1),
            "emulator, empty sagas included": round((after.emulator - before.emulator) * 1000 / payments, 1)}
