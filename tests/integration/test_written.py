"""Nothing secret is anywhere: every file of the stack, every table, every log line, every queue is searched.

Card numbers, API keys and raw Idempotency-Keys are nowhere. Secrets are where functions read them: in Secrets Manager,
merchants' webhook secrets in the table of endpoints, and all of the local stack's in the files `state.json` and `env`
that `pipeline up` leaves beside it for those who load its settings. What a merchant sends for itself is where PRIVATE
says.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import psycopg
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from infra.local.deploy import invoked
from infra.local.guard import client
from tests.integration.site import PAYMENTS, Site, new_key, order, until

CARDS = ("4242424242424242", "4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005")
KEYS = re.compile(rb"key-[0-9a-f]{32}")
"""The Idempotency-Keys of these tests."""
LETTERS = str.maketrans("0123456789", "ghijklmnop")
"""So that no value happens to look like a card number."""
TOKEN, NOTE, REFERENCE = (f"{kind}{uuid4().hex.translate(LETTERS)}" for kind in ("pm_token_", "note-", "order-"))
PRIVATE = {
    TOKEN: ("ledger", "gateways"),
    NOTE: ("ledger",),
    REFERENCE: ("ledger", "answers", "machines", "told"),
}
"""Where a payment-method token, metadata and a reference may be: what a merchant calls its order, it is told again."""


def used(site: Site) -> None:
    """Payments of several kinds, and requests that hold what must not be kept."""
    # Thousands of messages of earlier tests are alike, and slow to read.
    client("sqs", site.aws).purge_queue(QueueUrl=site.pipeline.deployment.outputs["OutboxUrl"])
    for card in CARDS:
        for member in ("payment_method", "reference"):
            assert site.ask(order(**{member: card}), new_key()).status == 422
        assert site.ask(order(metadata={"card": f"it is {card}."}), new_key()).status == 422
        assert site.ask({**order(), f"number {card}": 1}, new_key()).status == 422
    for gateway, token in (("stripe", "pm_sim_cut_after"), ("adyen", "pm_card_chargeDeclined")):
        site.insist(order(gateway, token, metadata={"note": NOTE}, reference=REFERENCE), new_key())
        site.insist(order(gateway, TOKEN, metadata={"note": NOTE}, reference=REFERENCE), new_key())
    made = site.insist(order(capture="manual"), new_key())
    site.insist({}, new_key(), f"{PAYMENTS}/{made.payment_id}/captures")
    site.read(made.payment_id)
    unfinished = site.rows("SELECT payment_id FROM payments WHERE lease_until IS NOT NULL")
    site.age([int(row["payment_id"]) for row in unfinished])
    site.sweep()
    invoked(site.aws, site.pipeline.deployment.outputs["RelayName"], {})
    until(lambda: site.gateways.webhook_state()["waiting"] == 0, what="the webhooks")


def secrets(site: Site) -> dict[str, str]:
    """What must not be found, by its name."""
    database = site.pipeline.database
    return {**{f"API key of {merchant}": key for merchant, key in site.pipeline.deployment.keys.items()},
            **{f"gateway {name}": value for name, value in site.pipeline.gateways.keys().items()},
            "password of the services": database.app_password, "password of the owner": database.owner_password,
            "password of the administrator": site.pipeline.postgres.admin_password,
            **{f"webhook secret of {merchant}": secret for merchant, secret in webhook_secrets(site).items()},
            **{f"card number {number}": number for number in CARDS},
            **{f"card number {number} in digits": re.sub(r"\D", "", number) for number in CARDS}}


def webhook_secrets(site: Site) -> dict[str, str]:
    """What merchants' webhooks are signed with; the one table that keeps them is not searched for them."""
    rows = site.dynamodb.scan(TableName=site.pipeline.deployment.outputs["EndpointsTableName"])["Items"]
    return {row["merchant_id"]["S"]: row["secret"]["S"] for row in rows}


def written(site: Site) -> Iterator[tuple[str, bytes]]:
    """Everything that anybody wrote, by where it is."""
    for folder in (site.stack.folder, site.pipeline.postgres.outside):
        for root, _, names in os.walk(folder) if folder else ():
            for path in (Path(root) / name for name in names):
                if path.is_file() and not path.is_symlink():
                    yield str(path), (content := path.read_bytes())
                    if content.startswith(b"PAR1"):
                        yield str(path), repr(pq.ParquetFile(path).read().to_pylist()).encode()
    with psycopg.connect(site.pipeline.database.owner_dsn) as connection:
        tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        for table in tables:
            rows = connection.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table))).fetchall()
            yield f"table {table}", "\n".join(row[0] for row in rows).encode()
    yield "logs", "\n".join(site.log_lines()).encode()
    for name in site.dynamodb.list_tables()["TableNames"]:
        if name == site.pipeline.deployment.outputs["EndpointsTableName"]:
            continue
        for page in site.dynamodb.get_paginator("scan").paginate(TableName=name):
            yield f"DynamoDB {name}", repr(page["Items"]).encode()
    yield from _of_aws(site)


def kind_of(site: Site, place: str) -> str:
    """Which of the kinds of PRIVATE a place is; empty for none of them."""
    outputs, postgres = site.pipeline.deployment.outputs, str(site.pipeline.postgres.data)
    kinds = {
        "ledger": place == "table payments" or place.startswith((f"{postgres}/base/", f"{postgres}/pg_wal/")),
        "gateways": place.startswith(str(site.pipeline.gateways.folder)),
        # What a step of the unwinding answers is kept in its history; of the saga nothing is kept.
        "machines": place.startswith("unwind-"),
        "answers": place == f"DynamoDB {outputs['IdempotencyTableName']}",
        "told": place in ("table outbox", "WebhooksDeadLettersUrl", "OutboxDeadLettersUrl"),
    }
    return next((kind for kind, holds in kinds.items() if holds), "")


def _of_aws(site: Site) -> Iterator[tuple[str, bytes]]:
    sqs, outputs = client("sqs", site.aws), site.pipeline.deployment.outputs
    for queue in ("OutboxDeadLettersUrl", "WebhooksDeadLettersUrl"):
        while found := sqs.receive_message(QueueUrl=outputs[queue], MaxNumberOfMessages=10).get("Messages"):
            yield queue, repr(found).encode()
    for function in client("lambda", site.aws).list_functions()["Functions"]:
        yield f"settings of {function['FunctionName']}", json.dumps(function, default=str).encode()
    yield "parameters", repr(client("cloudformation", site.aws).describe_stacks()["Stacks"]).encode()
    for run in site.stepfunctions.list_executions(stateMachineArn=outputs["UnwindArn"])["executions"]:
        yield run["name"], json.dumps(
            site.stepfunctions.get_execution_history(executionArn=run["executionArn"]), default=str).encode()


def found_in(place: str, content: bytes, wanted: Mapping[str, str], keys: frozenset[bytes]) -> Iterator[str]:
    """What of `wanted`, and which of the raw `keys`, stands there."""
    for name, value in wanted.items():
        if value.encode() in content:
            yield f"{place}: {name}"
    yield from (f"{place}: the key {found.decode()}" for found in set(KEYS.findall(content)) & keys)


@pytest.mark.property(80)
def test_no_card_no_key_and_no_secret_is_written_anywhere(site: Site) -> None:
    used(site)
    exchanges = site.shop.record.exchanges
    keys = frozenset(exchange.key.encode() for exchange in exchanges if exchange.key)
    last = next(exchange.payment_id or "" for exchange in reversed(exchanges) if exchange.status == 200)
    wanted, found, told, private = secrets(site), list[str](), set[str](), set[tuple[str, str]]()
    for place, content in written(site):
        found += found_in(place, content, wanted, keys)
        told |= {place} if last.encode() in content else set()
        private |= {(value, place) for value in PRIVATE if value.encode() in content}
    assert found == []
    assert [(value, place) for value, place in private if kind_of(site, place) not in PRIVATE[value]] == []
    assert {value for value, place in private if place == "table payments"} == set(PRIVATE)
    # What is no secret is found wherever it is: nowhere was the search cut short.
    records = site.pipeline.deployment.outputs["IdempotencyTableName"]
    assert {"table payments", "logs", f"DynamoDB {records}"} <= told
    assert any(place.startswith(str(site.pipeline.gateways.folder)) for place in told)


def test_what_is_looked_for_is_found_where_it_may_be(site: Site) -> None:
    wanted, store = secrets(site), client("secretsmanager", site.aws)
    kept = [store.get_secret_value(SecretId=one["ARN"])["SecretString"] for one in store.list_secrets()["SecretList"]]
    found = set(found_in("store", "".join(kept).encode(), wanted, frozenset()))
    assert found == {f"store: {name}" for name in wanted if name.startswith(("gateway", "password of the"))} - {
        "store: password of the administrator"}
    key = new_key()
    assert list(found_in("x", f"a {key}".encode(), {}, frozenset({key.encode()}))) == [f"x: the key {key}"]
