"""Payments through the deployed pipeline, over HTTP, by the rate that is required and by that of an empty saga."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil

from bench.empty import EmptySaga
from bench.ratio import Ratio, alternate
from infra.local.deploy import STACK
from infra.local.guard import client
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
_WAVES = (1, 2, 4, 8, *[16] * 6)
"""Until all functions are loaded for so many at once; the last ones end when none was late."""
_FIRST = ("stripe", "adyen")
_PARTS = ("emulator", "postgres", "redis", "gateways")


Work = dict[int, tuple[str, float]]
"""Name and seconds of processor time by process."""


def measure(scratch: Path, *, small: bool) -> Iterator[Ratio]:
    """Two figures of the same payments: against the rate required, and against as many empty sagas in turns."""
    count, rounds = (_PAYMENTS_SMALL, 1) if small else (_PAYMENTS, 3)
    with Stack.start(scratch / "stack", pipeline=True, parameters={"ScheduleState": "DISABLED"}) as stack:
        assert stack.pipeline is not None
        deployment = stack.pipeline.deployment
        shop = Shop(deployment.api, deployment.keys, connections=CONCURRENCY)
        empty = EmptySaga(stack.environment())
        orders = _plain()
        first = {"AuthorizeGateway alone": _first_step(stack)}
        first |= {f"payment with {gateway}": _first_payment(shop, orders, gateway) for gateway in _FIRST}
        for size in _WAVES:
            captured = _pay(shop, orders, size)
            empty.run(size, concurrency=CONCURRENCY)
            if size == _WAVES[-1] and captured == size:
                break
        ours, nothing = alternate(partial(_all_paid, shop, orders, count),
                                  partial(empty.run, count, concurrency=CONCURRENCY), rounds=rounds)
        before = _work(stack)
        _all_paid(shop, orders, count)
        used = _used(before, _work(stack), count)
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


def _all_paid(shop: Shop, orders: Iterator[Order], count: int) -> None:
    """Makes so many payments. On a busy machine a step may be late and its payment taken back: one in ten at most."""
    captured = _pay(shop, orders, count)
    assert captured * 10 >= count * 9, f"{captured} of {count} payments were captured"


def _pay(shop: Shop, orders: Iterator[Order], count: int) -> int:
    """Makes so many payments; how many of them were captured at once."""
    driver = Driver(shop, f"b{time.time_ns():x}", reads=False)
    driver.drive(list(itertools.islice(orders, count)), concurrency=CONCURRENCY)
    return sum(one.status == 201 for one in shop.record.exchanges[-count:])


def _first_step(stack: Stack) -> float:
    """Seconds of the first call of the step that asks a gateway, for a payment that is not there."""
    event = {"payment_id": "1", "fence": 1, "execution": "first", "direction": "forward"}
    functions, start = client("lambda", stack.environment()), time.perf_counter()
    functions.invoke(FunctionName=f"{STACK}-AuthorizeGateway", Payload=json.dumps(event))
    return round(time.perf_counter() - start, 2)


def _first_payment(shop: Shop, orders: Iterator[Order], gateway: str) -> float:
    """Seconds of the first payment with a gateway, with all functions that are started for it."""
    order = next(order for order in orders if gateway_of(order) == gateway)
    return round(shop.ask("pay", order.merchant, 0, "/v1/payments", f"first-payment-at-{gateway}",
                          order.body("first")).seconds, 2)


def _work(stack: Stack) -> Work:
    """Processor time so far of every process of the stack: functions by their own names, the others by their part's."""
    found: Work = {}
    for part, server in stack.servers().items():
        for process in server.tree():
            try:
                times, name = process.cpu_times(), process.environ().get("AWS_LAMBDA_FUNCTION_NAME", part)
            except psutil.NoSuchProcess:
                continue
            found[process.pid] = (name, times.user + times.system)
    return found


def _used(before: Work, after: Work, payments: int) -> dict[str, dict[str, float]]:
    """Milliseconds of processor time per payment, of functions and of the stack's other parts."""
    spent: dict[str, float] = {}
    for pid, (name, seconds) in after.items():
        spent[name] = spent.get(name, 0.0) + seconds - before.get(pid, (name, 0.0))[1]
    functions, parts = {}, {}
    for name, seconds in sorted(spent.items()):
        milliseconds = round(seconds * 1000 / payments, 1)
        if name.startswith(f"{STACK}-") and milliseconds:
            functions[name.removeprefix(f"{STACK}-")] = milliseconds
        elif name in _PARTS:
            parts[name] = milliseconds
    return {"functions": {**functions, "all": round(sum(functions.values()), 1)}, "parts": parts}
