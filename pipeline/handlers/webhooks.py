"""GatewayWebhooks: what Stripe and Adyen tell of payments, believed only whole and signed."""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pipeline.errors import Misused, Retryable
from pipeline.gateways.events import WebhookRefused
from pipeline.gateways.webhooks import read_webhook
from pipeline.handlers.wiring import gateway_secrets, ledger_ports
from pipeline.saga.afterwards import LATER
from pipeline.saga.notices import notice
from pipeline.saga.ports import Ports
from pipeline.telemetry import log
from pipeline.telemetry.trace import span
from pipeline.telemetry.xray import begun
from pipeline.times import utc_now

Response = dict[str, Any]


def handler(event: dict[str, Any], context: object) -> Response:
    """An API Gateway proxy event whose path ends in the gateway's name. 2xx: all is dealt with; 4xx: refused; 503:
    deliver it again, something came too early or the ledger could not be reached."""
    start = time.monotonic()
    gateway = str(event.get("path", "")).rstrip("/").rpartition("/")[2]
    try:
        with span("gateway_webhook", begun(utc_now()), kind="server", gateway=gateway) as made:
            response, ends = receive(ledger_ports(), gateway, event, gateway_secrets())
            made.set(http_status=response["statusCode"], items=sum(ends.values()))
    except WebhookRefused as refused:
        log("webhook_refused", gateway=gateway, code=refused.code, reason=str(refused))
        return _response(401 if refused.code == "forged" else 400, refused.code)
    except Retryable as error:
        log("webhook_later", gateway=gateway, reason=str(error))
        return _response(503, "unavailable")
    except Misused as error:
        log("webhook_misused", gateway=gateway, reason=str(error))
        return _response(503, "unavailable")
    log("webhook", gateway=gateway, items=sum(ends.values()), done=ends["applied"], skipped=ends["ignored"],
        replayed=ends["duplicate"], failed=ends[LATER], http_status=response["statusCode"],
        duration_ms=(time.monotonic() - start) * 1000)
    return response


def receive(ports: Ports, gateway: str, event: Mapping[str, Any], secrets: Mapping[str, str],
            ) -> tuple[Response, Counter[str]]:
    """The answer to a message and how its events ended. All are tried: one that came too early holds back no other,
    and what was applied is known again when the message comes once more. Raises WebhookRefused, Retryable, Misused."""
    text = event.get("body") or ""
    body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode("utf-8", "surrogatepass")
    headers = {str(name): str(value) for name, value in (event.get("headers") or {}).items()}
    ends: Counter[str] = Counter()
    for told in read_webhook(gateway, body, headers, secrets=secrets, at=utc_now()):
        end = notice(ports, told)
        ends[end] += 1
    return (_response(503, "later") if ends[LATER] else _accepted()), ends


def _accepted() -> Response:
    # Adyen looks for this word in the body, Stripe for the status alone.
    return {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": "[accepted]"}


def _response(status: int, code: str) -> Response:
    titles = {400: "Bad Request", 401: "Unauthorized", 503: "Service Unavailable"}
    problem = {"type": "about:blank", "title": titles[status], "status": status, "code": code}
    return {"statusCode": status, "headers": {"Content-Type": "application/problem+json"}, "body": json.dumps(problem)}
