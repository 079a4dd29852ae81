"""The functions' own entries on the AWS emulator: real tables, a real state machine, and what they print."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest

from infra.local.guard import applied
from infra.local.stack import Stack
from pipeline.handlers import authorizer, checkout, parts
from pipeline.handlers.http import executions
from pipeline.merchants.keys import ApiKeys
from tests.handlers.edge import AT, BODY, Answered

MACHINE = {"StartAt": "Taken", "States": {"Taken": {"Type": "Pass", "End": True, "Parameters": {
    "outcome": "ok", "fence": 1, "payment_id.$": "$.payment_id", "status": "COMMITTED", "payment": {
        "payment_id.$": "$.payment_id", "status": "COMMITTED", "saga.$": "$.saga", "leased": False,
        "amount_minor.$": "$.request.amount_minor", "currency.$": "$.request.currency", "captured_minor": 0,
        "gateway.$": "$.request.gateway", "capture_mode": "automatic", "reference.$": "$.request.reference",
        "cause": None}}}}}


class Context:
    """What the platform says of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """As if it had just begun."""
        return 27_000


@pytest.fixture(scope="module")
def deployed(stack: Stack) -> Iterator[dict[str, str]]:
    """Tables and a machine on the emulator, with the settings of the functions."""
    mark = uuid4().hex[:8]
    names = {"IDEMPOTENCY_TABLE": f"gate-{mark}", "WORKER_SLOTS_TABLE": f"workers-{mark}",
             "API_KEYS_TABLE": f"keys-{mark}"}
    keyed = {"IDEMPOTENCY_TABLE": ("key_hash", "S"), "WORKER_SLOTS_TABLE": ("slot", "N"),
             "API_KEYS_TABLE": ("key_hash", "S")}
    with applied(stack.environment()):
        dynamo, states = boto3.client("dynamodb"), boto3.client("stepfunctions")
        for setting, (key, kind) in keyed.items():
            dynamo.create_table(TableName=names[setting], BillingMode="PAY_PER_REQUEST",
                                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                                AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind}])
        arn = states.create_state_machine(name=f"saga-{mark}", type="EXPRESS", definition=json.dumps(MACHINE),
                                          roleArn="arn:aws:iam::000000000000:role/saga")["stateMachineArn"]
    settings = {**stack.environment(), **names, "SAGA_STATE_MACHINE_ARN": arn, "STRIPE_ACCOUNT": "acct_1",
                "ADYEN_MERCHANT_ACCOUNT": "SHOP_EU"}
    made = (parts.client, checkout.minter, executions.synchronous_client)
    for cached in made:
        cached.cache_clear()
    with applied(settings):
        yield settings
    for cached in made:
        cached.cache_clear()


def post(body: object, key: str) -> dict[str, Any]:
    """A proxy event."""
    return {"httpMethod": "POST", "resource": "/v1/payments", "body": json.dumps(body),
            "headers": {"Content-Type": "application/json", "Idempotency-Key": key},
            "requestContext": {"requestId": "r-1", "authorizer": {"merchant_id": "shop_1"}}}


@pytest.mark.property(3)
@pytest.mark.property(80)
def test_a_payment_is_taken_once_and_nothing_secret_is_printed(
        deployed: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    key = f"secret-key-{uuid4().hex}"
    body = BODY | {"payment_method": "pm_token_never_said", "reference": "order-never-said"}
    first = Answered(checkout.handler(post(body, key), Context()))
    again = Answered(checkout.handler(post(body, key), Context()))
    assert (first.status, first.json["status"], first.json["reference"]) == (201, "captured", "order-never-said")
    assert (again.text, again.headers["Idempotent-Replayed"]) == (first.text, "true")
    assert 0 < int(first.json["id"]) < 2**63
    for refused in (post(body | {"amount_minor": 1}, key), post(BODY | {"reference": "4111111111111111"}, key + "x")):
        assert Answered(checkout.handler(refused, Context())).status == 422
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["event"] for line in lines if "event" in line] == ["saga_ended", "replayed", "refused", "refused"]
    assert not any("left_out" in line for line in lines)
    for secret in (key, "never_said", "never-said", "4111"):
        assert secret not in said.out + said.err
    kept = repr(boto3.client("dynamodb").scan(TableName=deployed["IDEMPOTENCY_TABLE"])["Items"])
    assert key not in kept
    assert "pm_token" not in kept


@pytest.mark.property(17)
def test_the_authorizer_knows_issued_keys_alone(deployed: dict[str, str]) -> None:
    keys = ApiKeys(parts.client("dynamodb"), deployed["API_KEYS_TABLE"])
    key = keys.issue("shop_1", at=AT)
    event = {"authorizationToken": f"Bearer {key}", "methodArn": "arn:aws:execute-api:r:1:abc/live/GET/v1/payments/1"}
    assert authorizer.handler(event, None)["context"] == {"merchant_id": "shop_1"}
    keys.revoke(key, at=AT)
    with pytest.raises(authorizer.Unauthorized):
        authorizer.handler(event, None)
