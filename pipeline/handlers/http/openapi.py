"""The OpenAPI document, made from the models: `python -m pipeline.handlers.http.openapi [FILE]`, else to the screen."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from pipeline.gate.dynamo import RETENTION
from pipeline.gate.hashing import API_VERSION
from pipeline.handlers.http.answers import PaymentAnswer, ProblemAnswer
from pipeline.handlers.http.body import MAX_BYTES
from pipeline.handlers.http.idempotency_key import HEADER, PATTERN
from pipeline.handlers.http.models import CancelRequest, CaptureRequest, PaymentRequest

Json = dict[str, Any]
_SCHEMAS = "#/components/schemas/"
_KEY = {
    "name": HEADER, "in": "header", "required": True,
    "schema": {"type": "string", "pattern": f'^({PATTERN}|"{PATTERN}")$'},
    "description": "The same request under the same key has one effect; its final answer is replayed for "
                   f"{RETENTION.days} days with the header Idempotent-Replayed. A new request needs a new key.",
    "example": "order-2026-0001-attempt-1",
}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"}}
_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where the payment can be read"}}
_REPLAYED = {"Idempotent-Replayed": {"schema": {"const": "true"}, "description": "Present in a replay"}}
_RETRY = {"Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}, "description": "Seconds"}}
_REFUSED = {
    400: "The Idempotency-Key is missing or ill-formed, or the body is not JSON",
    401: "No API key, or one that is not known",
    404: "No payment of this merchant has this id", 409: "Still running, busy, or not allowed in the payment's state",
    413: f"The body has more than {MAX_BYTES} bytes", 415: "The body is not application/json in UTF-8",
    422: "A field is refused, the body holds a card number, or the key was used for another request",
    429: "Too many requests; nothing has happened", 500: "A fault on our side",
    503: "Nothing has happened; ask again with the same key",
}
_RETRIED = (409, 429, 503)


def document() -> Json:
    """OpenAPI 3.1."""
    _, models = models_json_schema(
        [(model, "validation") for model in (PaymentRequest, CaptureRequest, CancelRequest)]
        + [(model, "validation") for model in (PaymentAnswer, ProblemAnswer)], ref_template=_SCHEMAS + "{model}")
    refusals = {str(status): _refusal(status, text) for status, text in _REFUSED.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Payments", "version": API_VERSION,
                 "description": "Amounts are whole minor units of their currency; ids are strings."},
        "security": [{"key": []}],
        "paths": {
            "/v1/payments": {"post": _post("createPayment", "Take a payment", "PaymentRequest")},
            "/v1/payments/{id}": {"parameters": [_ID], "get": _get()},
            "/v1/payments/{id}/captures": {"parameters": [_ID], "post": _post(
                "capturePayment", "Capture an authorized payment", "CaptureRequest", optional=True)},
            "/v1/payments/{id}/cancels": {"parameters": [_ID], "post": _post(
                "cancelPayment", "Give an authorized payment back", "CancelRequest", optional=True)},
        },
        "components": {
            "schemas": models["$defs"], "responses": refusals,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "The merchant's API key"}},
        },
    }


def _post(name: str, summary: str, model: str, *, optional: bool = False) -> Json:
    ends = {
        "201": _payment("Done, as `status` says", _LOCATION | _REPLAYED),
        "202": _payment("Not decided yet: read the payment, or ask again with the same key", _LOCATION),
        "402": _payment("Refused, declined or given back, as `code` says", _LOCATION | _REPLAYED),
    }
    refused = (400, 401, *((404,) if optional else ()), 413, 415, 422, 429, 500, 503)
    late = _refusal(409, _REFUSED[409])
    if optional:
        late["content"] |= _payment("", {})["content"]
        late["headers"] |= _REPLAYED
    body = {"required": not optional, "content": {"application/json": {"schema": {"$ref": _SCHEMAS + model}}}}
    return {"operationId": name, "summary": summary, "parameters": [_KEY], "requestBody": body,
            "responses": {**ends, "409": late, **_refs(*refused)}}


def _get() -> Json:
    return {"operationId": "readPayment", "summary": "A payment as it stands",
            "responses": {"200": _payment("The payment", {}), **_refs(401, 404, 429, 500, 503)}}


def _refs(*statuses: int) -> Json:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _payment(text: str, headers: Json) -> Json:
    schema = {"schema": {"$ref": _SCHEMAS + "PaymentAnswer"}}
    found: Json = {"description": text, "content": {"application/json": schema}}
    return found | ({"headers": headers} if headers else {})


def _refusal(status: int, text: str) -> Json:
    found: Json = {"description": text, "content": {
        "application/problem+json": {"schema": {"$ref": _SCHEMAS + "ProblemAnswer"}}}}
    return found | ({"headers": dict(_RETRY)} if status in _RETRIED else {})


def text() -> str:
    """The document as the file holds it."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(text(), encoding="utf-8")
    else:
        sys.stdout.write(text())
