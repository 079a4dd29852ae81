"""API keys of merchants: shown once when they are made, kept as hashes, found by the hash of what is presented."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pipeline.dynamo import ConditionFailed, call, millis, text
from pipeline.errors import Misused

PREFIX = "sw_live_"
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 40
_FORM = re.compile(rf"{PREFIX}[A-Za-z0-9]{{{_LENGTH}}}", re.ASCII)
_MERCHANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)


def new_key(choice: Callable[[str], str] = secrets.choice) -> str:
    """A key of 238 random bits behind a prefix that scanners of leaked secrets can look for."""
    return PREFIX + "".join(choice(_ALPHABET) for _ in range(_LENGTH))


def hash_of(key: str) -> str:
    """What is kept of a key: hex SHA-256. The key is random, so nothing is gained by a slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()


def require_merchant_id(merchant_id: str) -> None:
    """Raises Misused for an ill-formed merchant id."""
    if not _MERCHANT.fullmatch(merchant_id):
        raise Misused("a merchant id has up to 63 of a-z, 0-9, _ and -, and begins with a letter or digit")


class ApiKeys:
    """The keys on a DynamoDB table with key `key_hash` (S); `client` is boto3's low-level client."""

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table

    def issue(self, merchant_id: str, *, at: datetime) -> str:
        """A new key of the merchant, returned this once. Raises Retryable; Misused for an ill-formed merchant_id."""
        require_merchant_id(merchant_id)
        key = new_key()
        item = {"key_hash": {"S": hash_of(key)}, "merchant_id": {"S": merchant_id}, "created_at": _ms(at)}
        call(self._client.put_item, TableName=self._table, Item=item)
        return key

    def merchant_of(self, key: str) -> str | None:
        """Whose key it is; None where it is ill-formed, unknown or revoked. Raises Retryable.

        What is searched by is a hash, so the time of the search tells nothing about any key.
        """
        if not _FORM.fullmatch(key):
            return None
        hashed = hash_of(key)
        row = call(self._client.get_item, TableName=self._table, Key={"key_hash": {"S": hashed}},
                   ConsistentRead=True).get("Item")
        if row is None or "revoked_at" in row or not hmac.compare_digest(text(row, "key_hash"), hashed):
            return None
        return text(row, "merchant_id")

    def revoke(self, key: str, *, at: datetime) -> bool:
        """From now on the key is nobody's; False where it was never anybody's. May be repeated. Raises Retryable."""
        try:
            call(self._client.update_item, TableName=self._table, Key={"key_hash": {"S": hash_of(key)}},
                 UpdateExpression="SET revoked_at = if_not_exists(revoked_at, :at)",
                 ConditionExpression="attribute_exists(key_hash)", ExpressionAttributeValues={":at": _ms(at)})
        except ConditionFailed:
            return False
        return True


def _ms(at: datetime) -> dict[str, str]:
    return {"N": str(millis(at))}
