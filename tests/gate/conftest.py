"""The gates that the contract suite runs over: the one in memory, and the real one on the AWS emulator."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from infra.local.guard import applied
from infra.local.stack import Stack
from pipeline.gate.dynamo import DynamoGate
from pipeline.gate.port import Gate
from tests.gate.memory import MemoryGate


@pytest.fixture(scope="session")
def table(stack: Stack) -> Iterator[tuple[Any, str]]:
    """A DynamoDB client for the emulator and the name of an idempotency table there."""
    name = f"idempotency-{uuid4().hex[:8]}"
    with applied(stack.environment()):
        config = Config(max_pool_connections=64, retries={"mode": "standard", "total_max_attempts": 3})
        client = boto3.session.Session().client("dynamodb", config=config)
        client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                            KeySchema=[{"AttributeName": "key_hash", "KeyType": "HASH"}],
                            AttributeDefinitions=[{"AttributeName": "key_hash", "AttributeType": "S"}])
        yield client, name
        client.close()


@pytest.fixture(params=["memory", "dynamodb"])
def gate(request: pytest.FixtureRequest) -> Gate:
    """A gate; its keys are the test's own (see `key`)."""
    if request.param == "memory":
        return MemoryGate()
    client, name = request.getfixturevalue("table")
    return DynamoGate(client, name)


@pytest.fixture
def key() -> str:
    """A key hash that no other test uses."""
    return uuid4().hex * 2


@pytest.fixture
def mint() -> Callable[[], int]:
    """Ids from a counter."""
    return itertools.count(7 * 10**17).__next__
