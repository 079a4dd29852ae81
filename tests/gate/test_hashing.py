"""No two different keys or payloads look alike, and no harmless difference makes one another."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.gate.hashing import fingerprint, key_hash

PAY = {"method": "POST", "path": "/v1/payments"}
PARTS = st.tuples(*[st.text(max_size=12)] * 4)


@pytest.mark.property(7)
def test_letters_do_not_wander_from_merchant_to_key() -> None:
    assert key_hash(**PAY, merchant_id="12", key="3x") != key_hash(**PAY, merchant_id="123", key="x")
    assert key_hash(**PAY, merchant_id="a", key="k") != key_hash(**PAY, merchant_id="b", key="k")


@pytest.mark.property(7)
@given(PARTS, PARTS)
def test_different_parts_have_different_hashes(one: tuple[str, ...], two: tuple[str, ...]) -> None:
    hashes = [key_hash(method=m, path=p, merchant_id=i, key=k) for m, p, i, k in (one, two)]
    alike = (one[0].upper(), *one[1:]) == (two[0].upper(), *two[1:])
    assert (hashes[0] == hashes[1]) is alike


@pytest.mark.property(5)
@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8) | st.none(), max_size=6))
def test_order_and_spaces_do_not_count(payload: dict[str, object]) -> None:
    turned = json.loads(json.dumps(dict(reversed(payload.items())), indent=3))
    assert fingerprint(**PAY, payload=turned) == fingerprint(**PAY, payload=payload)


@pytest.mark.property(4)
@pytest.mark.parametrize(
    "change", [{"amount_minor": 1001}, {"currency": "USD"}, {"payment_method": "pm_2"}, {"x": None}])
def test_every_value_counts(change: dict[str, object]) -> None:
    payload = {"amount_minor": 1000, "currency": "EUR", "payment_method": "pm_1"}
    assert fingerprint(**PAY, payload=payload | change) != fingerprint(**PAY, payload=payload)


def test_method_path_and_version_count() -> None:
    base = fingerprint(**PAY, payload={})
    others = [fingerprint(method="PUT", path="/v1/payments", payload={}),
              fingerprint(method="POST", path="/v1/payments/1/captures", payload={}),
              fingerprint(**PAY, payload={}, version="2030-01-01")]
    assert len({base, *others}) == 4


def test_what_is_no_json_has_no_fingerprint() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprint(**PAY, payload={"amount_minor": float("nan")})
