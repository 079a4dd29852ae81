"""An outcome becomes one document with its payment, version and nothing that is not on the list."""

from __future__ import annotations

import json

import pytest

from pipeline.notify.events import MAX_BYTES, Malformed, event_of
from tests.notify.parts import TRACE, event, message


@pytest.mark.property(68)
def test_an_event_names_payment_version_and_itself() -> None:
    found = event(card_number="4242424242424242", secret="hidden")
    document = json.loads(found.document)
    assert (document["type"], document["event_id"], document["timestamp"]) == (
        "payment.committed", "01EVENT", "2026-03-01T12:00:00.000Z")  # fmt: skip
    data = document["data"]
    assert (data["payment_id"], data["version"], data["trace_id"]) == ("7000000000000000001", 8, TRACE)
    assert "hidden" not in found.document
    assert "4242" not in found.document
    assert (found.type, found.merchant_id, found.trace_id) == ("payment.committed", "shop", TRACE)


def test_the_same_message_gives_the_same_bytes() -> None:
    assert event_of(message()).document == event_of(message()).document


@pytest.mark.parametrize("text", [
    "", "nothing", "[]", "{}", "null", '{"outbox_id": "a"}',
    '{"outbox_id": "a.b", "kind": "payment_outcome", "body": "{}"}',
    '{"outbox_id": "a", "kind": "payment_outcome", "body": "{"}',
    '{"outbox_id": "a", "kind": "payment_outcome", "body": {}}',
    message(version="absent"), message(version="8"), message(version=True), message(payment_id=7),
    message(payment_id="x7"), message(merchant_id=""),
    message().replace("payment_outcome", "ledger_entry"), message(reference="x" * MAX_BYTES),
])
@pytest.mark.property(69)
def test_what_is_no_outcome_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        event_of(text)
    assert "order 1" not in str(refused.value)
