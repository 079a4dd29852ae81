"""Drawn requests, good and bad: every answer is one that the OpenAPI document names, in the form that it says."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from pipeline.handlers.http.openapi import document, text
from pipeline.ledger.statuses import Status
from tests.handlers.edge import Edge, output, payment
from tests.handlers.wsgi import API_KEY, App

FILE = Path(__file__).resolve().parents[2] / "infra" / "openapi.json"
EXAMPLES = settings.get_profile(settings.get_current_profile_name()).max_examples // 3
_outcomes = itertools.cycle([
    ("ok", Status.COMMITTED), ("declined", Status.DECLINED), ("in_doubt", Status.IN_DOUBT),
    ("rejected", Status.REJECTED), ("running", Status.AUTHORIZING), ("resting", Status.AUTHORIZED)])


def plays(given: dict[str, Any]) -> dict[str, object]:
    """Every way that a saga can end, in turn."""
    outcome, status = next(_outcomes)
    return output(outcome, payment(int(given["payment_id"]), status, saga=given["saga"]), "state_conflict")


def app() -> App:
    """An edge on which a few payments exist."""
    rows = {number: payment(number, Status.AUTHORIZED) for number in range(1, 100)}
    made = Edge(rows=rows)
    made.machine.plays = plays
    return App(made)


schema = schemathesis.openapi.from_dict(document())
schema.app = app()


def refused_by_its_meaning(case: Case[Any], response: Any) -> bool:
    """Declined, or refused for what a schema cannot say: a card number, 1.0 for 1, an amount unknown to the gateway."""
    if response.status_code == 402:
        return True
    if isinstance(case.body, dict) and isinstance(case.body.get("amount_minor"), float):
        return True
    found = response.json()
    return response.status_code == 422 and (
        found["type"].endswith("/card-number") or "last digits must be zero" in repr(found.get("errors")))


@schema.parametrize()
@settings(max_examples=EXAMPLES)
def test_every_answer_is_as_the_document_says(case: Case[Any]) -> None:
    case.headers["Authorization"] = API_KEY
    # Keys are drawn anew less often than bodies.
    case.operation.app.edge.gate.records.clear()
    response = case.call()
    meaning = refused_by_its_meaning(case, response)
    case.validate_response(response, excluded_checks=[positive_data_acceptance] if meaning else [])
    assert response.status_code < 500


@pytest.mark.property(17)
@schema.parametrize()
@settings(max_examples=5)
def test_without_an_api_key_there_is_nothing(case: Case[Any]) -> None:
    case.headers.pop("Authorization", None)
    response = case.call()
    assert response.status_code in (401, 405)


def test_the_document_in_the_tree_is_the_models_own() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "python -m pipeline.handlers.http.openapi infra/openapi.json"


def test_the_document_publishes_keys_and_retention() -> None:
    operations = [verbs["post"] for verbs in document()["paths"].values() if "post" in verbs]
    assert len(operations) == 3
    for operation in operations:
        (header,) = operation["parameters"]
        assert (header["name"], header["required"]) == ("Idempotency-Key", True)
        assert "30 days" in header["description"]
    assert json.loads(text())["openapi"] == "3.1.0"
