"""A key opens its merchant's door and nobody else's, and is nowhere to be read again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import boto3
import pytest

from infra.local.guard import applied
from infra.local.stack import Stack
from pipeline.errors import Misused
from pipeline.merchants.keys import PREFIX, ApiKeys, hash_of, new_key

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def table(stack: Stack) -> Iterator[tuple[Any, str]]:
    """A DynamoDB client for the emulator and the name of a table of keys there."""
    name = f"api-keys-{uuid4().hex[:8]}"
    with applied(stack.environment()):
        client = boto3.session.Session().client("dynamodb")
        client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                            KeySchema=[{"AttributeName": "key_hash", "KeyType": "HASH"}],
                            AttributeDefinitions=[{"AttributeName": "key_hash", "AttributeType": "S"}])
        yield client, name
        client.close()


def test_a_key_is_its_merchants_until_it_is_revoked(table: tuple[Any, str]) -> None:
    keys = ApiKeys(*table)
    first, second, others = keys.issue("shop_1", at=AT), keys.issue("shop_1", at=AT), keys.issue("shop_2", at=AT)
    assert [keys.merchant_of(key) for key in (first, second, others)] == ["shop_1", "shop_1", "shop_2"]
    assert keys.revoke(first, at=AT)
    assert keys.revoke(first, at=AT)
    assert [keys.merchant_of(key) for key in (first, second, others)] == [None, "shop_1", "shop_2"]


@pytest.mark.property(80)
def test_no_key_is_kept(table: tuple[Any, str]) -> None:
    client, name = table
    key = ApiKeys(client, name).issue("shop_3", at=AT)
    kept = repr(client.scan(TableName=name)["Items"])
    assert hash_of(key) in kept
    assert key not in kept
    assert key.removeprefix(PREFIX) not in kept


def test_what_was_never_issued_is_nobodys(table: tuple[Any, str]) -> None:
    keys = ApiKeys(*table)
    assert keys.merchant_of(new_key()) is None
    assert not keys.revoke(new_key(), at=AT)


WELL_FORMED = new_key(lambda letters: letters[0])


@pytest.mark.parametrize("forged", ["", PREFIX, "x" * 48, WELL_FORMED + "x", WELL_FORMED[:-1], f"{WELL_FORMED[:-1]}é",
                                    f"{WELL_FORMED}\n"])
def test_what_is_no_key_is_not_even_looked_up(forged: str) -> None:
    assert ApiKeys(None, "no table").merchant_of(forged) is None


@pytest.mark.parametrize("merchant_id", ["", "Shop", "a b", "x" * 64, "shop:1", "-shop"])
def test_an_ill_formed_merchant_gets_no_key(merchant_id: str) -> None:
    with pytest.raises(Misused, match="merchant id"):
        ApiKeys(None, "no table").issue(merchant_id, at=AT)
