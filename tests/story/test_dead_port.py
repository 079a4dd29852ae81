"""With nobody at the gateways' addresses no payment is captured: what the books hold came from no other place."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from infra.local.gateways.client import Client
from infra.local.stack import Stack
from infra.local.story import lake_objects
from infra.local.story.books import entries_of, read_ledger
from infra.local.story.delivery import Delivery
from infra.local.story.errors import StageFailed
from infra.local.story.run import QUIET, require_captures
from infra.local.traffic.drive import Driver
from infra.local.traffic.kinds import by_name
from infra.local.traffic.plan import Order
from infra.local.traffic.shop import Shop


@pytest.fixture(scope="module")
def dead_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack, deployed with addresses of the gateways at which nobody listens, and will not."""
    with socket.socket() as kept:
        # Bound and never listening: connections are refused, and nobody else can take the port.
        kept.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{kept.getsockname()[1]}"
        parameters = {**QUIET, "StripeApiBase": dead, "AdyenApiBase": dead}
        with Stack.start(tmp_path_factory.mktemp("dead"), pipeline=True, parameters=parameters) as stack:
            yield stack


def test_behind_a_dead_port_nothing_is_captured_in_ledger_or_lake(dead_stack: Stack) -> None:
    assert dead_stack.pipeline is not None
    aws, deployment = dead_stack.environment(), dead_stack.pipeline.deployment
    plain = by_name("plain")
    orders = [Order(number, plain, "merchant_a", 1_000 + number, "EUR", gateway, "pm_card_visa", 100)
              for number, gateway in enumerate(("stripe", "adyen"))]
    shop = Shop(deployment.api, deployment.keys, connections=8)
    Driver(shop, "dead-port", reads=False).drive(orders, concurrency=1)
    assert all(exchange.status != 201 for exchange in shop.record.exchanges)

    ledger = read_ledger(aws["PAYMENTS_DATABASE"])
    entries = entries_of(ledger)
    assert len(ledger["payments"]) == len(orders), [(e.status, e.body[:300]) for e in shop.record.exchanges]
    assert entries
    assert not [entry for entry in entries if entry.step in ("CAPTURE", "COMMIT")]
    assert Client(aws["PAYMENTS_GATEWAYS"]).book() == []

    delivery = Delivery(aws, deployment.outputs["LakeBucketName"])
    delivery.relay()
    objects = delivery.arrived(entries)
    assert lake_objects.missing(objects, entries) == []
    steps = {entry.entry_id: entry.step for entry in entries}
    lain = {steps[row[0]] for one in objects if one.table == "ledger_entries" for row in one.rows}
    assert lain <= {"RESERVE", "RELEASE"}

    with pytest.raises(StageFailed, match="none was captured"):
        require_captures(ledger)
