"""The deployed pipeline as a test meets it: HTTP in front, the ledger and the gateways' book behind, time between."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import Any, LiteralString, TypeVar
from uuid import uuid4

import psycopg
from psycopg.rows import dict_row

from infra.local.deploy import invoked
from infra.local.gateways.client import Client
from infra.local.guard import client
from infra.local.stack import Stack
from infra.local.traffic import ledger
from infra.local.traffic.books import book_equals_ledger
from infra.local.traffic.checks import FINAL, ledger_balanced, nothing_open
from infra.local.traffic.ledger import Ledger, Row
from infra.local.traffic.shop import Exchange, Shop
from pipeline.gate.hashing import key_hash

T = TypeVar("T")
PAYMENTS = "/v1/payments"
MERCHANT = "merchant_a"
GATEWAYS = ("stripe", "adyen")
AT_ONCE = 4
"""So many payments at a time are what two cores carry without any step being late."""
PATIENCE_S = 40.0
"""How long anything that must happen is waited for: a busy machine is slow, and nothing here measures."""


def new_key() -> str:
    """An Idempotency-Key that nobody has used."""
    return f"key-{uuid4().hex}"


def order(gateway: str = "stripe", token: str = "pm_card_visa", **more: Any) -> dict[str, Any]:
    """The body of a payment."""
    return {"amount_minor": 1999, "currency": "EUR", "payment_method": token, "gateway": gateway, **more}


def until(found: Callable[[], T], *, what: str, seconds: float = PATIENCE_S) -> T:
    """What `found` gives as soon as it gives something. Raises AssertionError naming `what`."""
    deadline = time.monotonic() + seconds
    while not (got := found()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.03)
    return got


def paid(booked: Sequence[Row]) -> int:
    """What a customer paid by these rows of the book, before any refund, in minor units."""
    signs = {"capture": 1, "capture_failed": -1}
    return sum(signs.get(row["kind"], 0) * int(row["amount_minor"]) for row in booked if row["status"] == "succeeded")


class Site:
    """One deployed pipeline. Requests are kept in `shop.record`; a test looks at its own payments alone."""

    def __init__(self, stack: Stack) -> None:
        assert stack.pipeline is not None
        self.stack, self.pipeline, self.aws = stack, stack.pipeline, stack.environment()
        self.shop = Shop(self.pipeline.deployment.api, self.pipeline.deployment.keys, connections=64)

    # ---- in front

    def ask(self, body: dict[str, Any], key: str, path: str = PAYMENTS, *, merchant: str = MERCHANT) -> Exchange:
        """One POST, asked once."""
        return self.shop.ask("pay", merchant, 0, path, key, body)

    def insist(self, body: dict[str, Any], key: str, path: str = PAYMENTS, *, merchant: str = MERCHANT) -> Exchange:
        """The same POST until its answer is final, or a 202."""
        return self.shop.insist("again", merchant, 0, path, key, body, patience_s=PATIENCE_S)

    def at_once(self, requests: Iterable[Callable[[], T]], *, most: int = AT_ONCE) -> list[T]:
        """What each of these calls gives, `most` of them at the same time."""
        with ThreadPoolExecutor(most) as pool:
            return [done.result() for done in [pool.submit(request) for request in requests]]

    def read(self, payment_id: object) -> Exchange:
        """One GET."""
        return self.shop.ask("read", MERCHANT, 0, f"{PAYMENTS}/{payment_id}")

    # ---- behind

    @property
    def gateways(self) -> Client:
        """What talks to the simulator, which may be another one than before."""
        return self.pipeline.gateways.client

    def book(self, payment_id: object, kind: str | None = None) -> list[Row]:
        """What the gateways did for a payment; with `kind` only what succeeded of it."""
        rows = self.gateways.book(str(payment_id))
        return [row for row in rows if kind is None or (row["kind"], row["status"]) == (kind, "succeeded")]

    def calls(self, gateway_ref: str = "") -> int:
        """How often the gateways' APIs were called, with a reference for the calls that name it in their path."""
        return sum(count for path, count in self.gateways.calls().items() if gateway_ref in path)

    def rows(self, query: LiteralString, *values: object) -> list[Row]:
        """What the ledger's owner reads."""
        with psycopg.connect(self.pipeline.database.owner_dsn, autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()

    def payment(self, payment_id: object) -> Row:
        """The payment as committed."""
        return self.rows("SELECT * FROM payments WHERE payment_id = %s", int(str(payment_id)))[0]

    def status(self, payment_id: object) -> str:
        """Where it stands."""
        return str(self.payment(payment_id)["status"])

    def record(self, key: str, path: str = PAYMENTS, merchant: str = MERCHANT) -> dict[str, Any]:
        """The idempotency record of a key; empty where there is none."""
        found: dict[str, Any] = self.dynamodb.get_item(
            TableName=self._records, Key=self._hashed(key, path, merchant), ConsistentRead=True).get("Item", {})
        return found

    # ---- time

    def lapse(self, key: str, path: str = PAYMENTS, merchant: str = MERCHANT) -> None:
        """The lease of the request that claimed this key is over, if it still has one."""
        try:
            self.dynamodb.update_item(
                TableName=self._records, Key=self._hashed(key, path, merchant),
                UpdateExpression="SET lease_until = :over", ConditionExpression="attribute_exists(lease_until)",
                ExpressionAttributeValues={":over": {"N": "1"}})
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return

    def age(self, ids: Collection[int]) -> None:
        """The leases of these payments are over, as they would be after 90 s."""
        self.rows("UPDATE payments SET lease_until = now() - interval '1 second' "
                  "WHERE payment_id = ANY(%s) AND lease_until IS NOT NULL RETURNING payment_id", list(ids))

    def sweep(self) -> int:
        """Recovery is invoked once as by its schedule, and what it starts has ended. How many it claimed."""
        claimed = int(invoked(self.aws, self.pipeline.deployment.outputs["RecoveryName"], {})["claimed"])
        until(lambda: not self._unwinding(), what="the unwinding")
        return claimed

    def unfinished(self, ids: Collection[int]) -> list[int]:
        """Those of these payments whose saga is not over."""
        found = self.rows("SELECT payment_id FROM payments WHERE payment_id = ANY(%s) AND lease_until IS NOT NULL",
                          list(ids))
        return [int(row["payment_id"]) for row in found]

    def recover(self, ids: Collection[int], *, sweeps: int = 1) -> None:
        """Leases end and one sweep follows; then nothing of `ids` is unfinished. Raises AssertionError.

        A step of the unwinding that the machine was too slow for is a fault of this machine's, not of recovery: it is
        swept again. So are payments that must wait for a gateway, at most `sweeps` times.
        """
        left = list(ids)
        for done in range(1, 20):
            self.age(left)
            self.sweep()
            if not (left := self.unfinished(left)):
                return
            late = [one for one in left if self._ran_out_of_time(one)]
            assert done < sweeps or late, [self.payment(one) for one in left]
        raise AssertionError(f"after 19 sweeps {left} are unfinished")

    # ---- what must hold

    def check(self, ids: Collection[int]) -> None:
        """Everything balances; these payments are over or rest authorised, hold nothing without a reason, and are in
        the gateways' book as in the ledger; each customer paid nothing or what was captured."""
        whole = ledger.read(self.pipeline.database.owner_dsn)
        own = _only(whole, ids)
        assert {int(row["payment_id"]) for row in own.payments} == set(ids)
        book = [row for row in self.gateways.book() if int(row["payment_id"]) in set(ids)]
        checks = [ledger_balanced(whole), nothing_open(own), book_equals_ledger(own, book)]
        assert [(check.name, check.faults) for check in checks if not check.holds] == [], own.payments
        for row in own.payments:
            done = [one for one in book if (int(one["payment_id"]), one["status"]) == (row["payment_id"], "succeeded")]
            kinds = [one["kind"] for one in done]
            assert (kinds.count("authorize") <= 1, kinds.count("capture") <= 1) == (True, True), kinds
            # The books are equal: what the ledger captured is what was really paid.
            assert paid(done) == row["captured_minor"], (row, kinds)

    def is_over(self, payment_id: object) -> bool:
        """Whether the payment has its last status."""
        return self.status(payment_id) in FINAL

    def log_lines(self) -> list[str]:
        """Everything that functions and machines wrote, line by line."""
        logs = client("logs", self.aws)
        groups = [group["logGroupName"] for page in logs.get_paginator("describe_log_groups").paginate()
                  for group in page["logGroups"]]
        return [line for group in groups for line in _lines(logs, group)]

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Lines of this event."""
        named = [line for line in self.log_lines() if f'"event":"{event}"' in line]
        return [json.loads(line[line.index("{"):]) for line in named]

    # ---- AWS

    @cached_property
    def dynamodb(self) -> Any:
        """DynamoDB of the stack."""
        return client("dynamodb", self.aws)

    @cached_property
    def stepfunctions(self) -> Any:
        """Step Functions of the stack."""
        return client("stepfunctions", self.aws)

    @property
    def _records(self) -> str:
        return self.pipeline.deployment.outputs["IdempotencyTableName"]

    def _hashed(self, key: str, path: str, merchant: str) -> dict[str, Any]:
        return {"key_hash": {"S": key_hash(method="POST", path=path, merchant_id=merchant, key=key)}}

    def _unwinding(self) -> list[Any]:
        return list(self.stepfunctions.list_executions(
            stateMachineArn=self.pipeline.deployment.outputs["UnwindArn"], statusFilter="RUNNING")["executions"])

    def _ran_out_of_time(self, payment_id: int) -> bool:
        """Whether a step of the payment's last unwinding was too slow, or had no free function."""
        arn, name = self.pipeline.deployment.outputs["UnwindArn"], self.payment(payment_id)["execution"]
        said = repr(self.stepfunctions.get_execution_history(
            executionArn=f"{arn.replace(':stateMachine:', ':execution:')}:{name}")["events"])
        return "States.Timeout" in said or "TooManyRequests" in said or "timed out" in said


def _only(whole: Ledger, ids: Collection[int]) -> Ledger:
    wanted = set(ids)

    def of(rows: list[Row]) -> list[Row]:
        return [row for row in rows if row["payment_id"] in wanted]

    return replace(whole, payments=of(whole.payments), operations=of(whole.operations), movements=of(whole.movements),
                   open_holds=of(whole.open_holds))


def _lines(logs: Any, group: str, most: int = 10_000) -> list[str]:
    """All lines of a log group; what comes after the first `most` is only told to who asks for a later time."""
    found: list[str] = []
    since = 0
    while True:
        events = logs.filter_log_events(logGroupName=group, startTime=since, limit=most)["events"]
        found += [event["message"] for event in events]
        if len(events) < most:
            return found
        since = events[-1]["timestamp"]
