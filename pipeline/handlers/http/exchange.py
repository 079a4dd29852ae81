"""API Gateway's proxy events as requests, and answers as it wants them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import Misused
from pipeline.handlers.http.problems import Problem
from pipeline.telemetry.xray import begun
from pipeline.times import utc_now

Event = Mapping[str, Any]
Response = dict[str, Any]

_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Request:
    """What a handler reads of an event. Who asks comes from the authorizer alone; headers that say so are not read."""

    merchant_id: str
    headers: Mapping[str, str]           # names in lower case
    repeated: frozenset[str]             # names of headers that came more than once
    body: bytes
    payment_id: int | None               # of the path; None where it has none or it cannot be an id
    trace_id: str
    request_id: str


def request_of(event: Event) -> Request:
    """Raises Misused where no authorizer said whose request it is: the deployment lets nobody through without one."""
    context = event.get("requestContext") or {}
    merchant_id = (context.get("authorizer") or {}).get("merchant_id")
    if not isinstance(merchant_id, str) or not merchant_id:
        raise Misused("a request without a merchant: its route has no authorizer")
    many = {name.lower(): values for name, values in (event.get("multiValueHeaders") or {}).items()}
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items() if isinstance(value, str)}
    request_id = str(context.get("requestId", ""))
    return Request(merchant_id, headers, frozenset(name for name, values in many.items() if len(values) > 1),
                   _body(event), _payment_id(event), begun(utc_now()), request_id)


def answered(status: int, body: bytes | Mapping[str, object], *, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; bytes go out as they are."""
    text = body.decode() if isinstance(body, bytes) else json.dumps(body, sort_keys=True, separators=(",", ":"),
                                                                    ensure_ascii=False)
    return _response(status, "application/json", text, headers or {})


def refused(problem: Problem) -> Response:
    """A problem+json answer."""
    headers = {} if problem.retry_after_s is None else {"Retry-After": str(problem.retry_after_s)}
    return _response(problem.status, "application/problem+json", json.dumps(problem.document()), headers)


def location(api_base: str, payment_id: object) -> dict[str, str]:
    """Where a payment can be read."""
    return {"Location": f"{api_base.rstrip('/')}/v1/payments/{payment_id}"}


def _response(status: int, media_type: str, text: str, headers: Mapping[str, str]) -> Response:
    return {"statusCode": status, "headers": {"Content-Type": media_type, "Cache-Control": "no-store", **headers},
            "body": text, "isBase64Encoded": False}


def _body(event: Event) -> bytes:
    text = event.get("body") or ""
    return base64.b64decode(text) if event.get("isBase64Encoded") else text.encode("utf-8", "surrogatepass")


def _payment_id(event: Event) -> int | None:
    text = str((event.get("pathParameters") or {}).get("id", ""))
    return int(text) if _ID.fullmatch(text) and int(text) <= _LARGEST_ID else None
