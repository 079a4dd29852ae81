"""Signatures are those of the standard's own library, over the very bytes, and two while a secret is replaced."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from pipeline.notify.endpoints import Endpoint
from pipeline.notify.signing import headers, new_secret
from tests.notify.parts import AT, event

OLD, NEW, OTHER = (new_secret(lambda size, fill=fill: bytes([fill]) * size) for fill in (1, 2, 3))  # type: ignore[misc]


def now() -> datetime:
    """Verification reads the machine's clock."""
    return datetime.now(UTC)


@pytest.mark.property(70)
def test_the_standards_library_verifies_what_we_sign() -> None:
    payload = event().document
    assert Webhook(NEW).verify(payload, headers("01EVENT", payload, [NEW], at=now()))["event_id"] == "01EVENT"
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(payload, headers("01EVENT", payload, [NEW], at=now()))


@pytest.mark.property(70)
def test_the_signature_is_the_one_that_the_standard_gives_as_its_example() -> None:
    signed = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}',
                     ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], at=datetime.fromtimestamp(1614265330, UTC))
    assert signed == {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
                      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}


@pytest.mark.property(70)
@given(st.data())
def test_one_changed_byte_of_body_id_time_or_signature_fails(data: st.DataObject) -> None:
    payload = event().document
    signed = headers("01EVENT", payload, [NEW], at=now())
    part = data.draw(st.sampled_from(["payload", "webhook-id", "webhook-timestamp", "webhook-signature"]))
    text = payload if part == "payload" else signed[part]
    # The standard's `v1,` is a name; of the last sign before the padding not all bits count.
    first, last = (3, len(text) - 3) if part == "webhook-signature" else (0, len(text) - 1)
    if part == "webhook-timestamp":
        first = len(text) - 2
    place = data.draw(st.integers(first, last))
    letters = "0123456789" if part == "webhook-timestamp" else "abcXYZ0189"
    changed = data.draw(st.sampled_from([letter for letter in letters if letter != text[place]]))
    text = text[:place] + changed + text[place + 1 :]
    body, sent = (text, signed) if part == "payload" else (payload, {**signed, part: text})
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(body, sent)


def endpoint(old_until: datetime | None) -> Endpoint:
    """One whose secret was replaced."""
    return Endpoint("shop", "we_1", "https://shop.example", NEW, OLD, old_until, AT, None, None)


@pytest.mark.property(70)
def test_during_a_rotation_both_secrets_verify_and_then_the_new_one_alone() -> None:
    at, payload = now(), event().document
    rotating = endpoint(at + timedelta(seconds=1))
    signed = headers("01EVENT", payload, rotating.secrets(at), at=at)
    assert signed["webhook-signature"].count("v1,") == 2
    for secret in (OLD, NEW):
        Webhook(secret).verify(payload, signed)
    for after in (rotating.secrets(at + timedelta(seconds=1)), endpoint(None).secrets(at)):
        assert after == (NEW,)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(payload, headers("01EVENT", payload, [NEW], at=at))


@pytest.mark.property(70)
def test_a_secret_has_the_standards_form_and_is_not_shown() -> None:
    secret = new_secret()
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
    assert secret != new_secret()
    assert NEW not in repr(endpoint(None))
    assert OLD not in repr(endpoint(None))
