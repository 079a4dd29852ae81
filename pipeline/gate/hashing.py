"""What a key and a payload are known by: hashes over encodings in which no two different inputs look alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

API_VERSION = "2026-01-01"
"""Part of every fingerprint: a payload that a later version reads otherwise is another payload."""


def key_hash(*, method: str, path: str, merchant_id: str, key: str) -> str:
    """Hex SHA-256 of the four parts, each preceded by its length, so that no part can lend letters to the next."""
    return hashlib.sha256(_framed(method.upper(), path, merchant_id, key)).hexdigest()


def fingerprint(*, method: str, path: str, payload: Mapping[str, object], version: str = API_VERSION) -> str:
    """Hex SHA-256 of what was asked: the payload with sorted names and no optional spaces, method, path and version.

    `payload` holds JSON values as validated (integers, an upper-case currency), never the bytes as they came.
    Raises ValueError for a number that is no JSON (NaN), TypeError for what is no JSON value.
    """
    canonical = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(_framed(version, method.upper(), path, canonical)).hexdigest()


def _framed(*parts: str) -> bytes:
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)
