"""WebhookEndpoints: where a merchant wants its webhooks. A new secret is shown once, by the call that made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from pipeline.errors import Misused, PipelineError
from pipeline.handlers.parts import client, refused
from pipeline.merchants.keys import require_merchant_id
from pipeline.notify.addresses import Allowed, checked_url
from pipeline.notify.endpoints import Endpoint, Endpoints
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.times import iso_ms, utc_now

OVERLAP_S = 86_400
"""For which both secrets count, unless the event says otherwise."""

Answer = dict[str, Any]


def handler(event: dict[str, Any], context: object) -> Answer:
    """{"outcome": "ok", ...}, or what refused it, with nothing written.

    The event has action (create, rotate, disable, enable, list, delete), merchant_id, and what ACTIONS names.
    """
    action = event.get("action")
    try:
        work, needed, optional = _action(action)
        _check(event, needed, optional)
        require_merchant_id(event["merchant_id"])
        answer = work(Endpoints(client("dynamodb"), Settings.of().text("ENDPOINTS_TABLE")), event)
    except PipelineError as error:
        log("webhook_endpoints", outcome="refused", operation=action, reason=str(error))
        return refused(error)
    log("webhook_endpoints", outcome="ok", operation=action, merchant_id=event["merchant_id"])
    return {"outcome": "ok", "merchant_id": event["merchant_id"], **answer}


def _create(endpoints: Endpoints, event: Mapping[str, Any]) -> Answer:
    checked_url(event["url"], Allowed.of(Settings.of().text("WEBHOOK_ALLOWED_NETWORKS", " ")))
    made = endpoints.create(event["merchant_id"], event["url"], at=utc_now())
    return _shown(made) | {"secret": made.secret}


def _rotate(endpoints: Endpoints, event: Mapping[str, Any]) -> Answer:
    overlap = timedelta(seconds=event.get("overlap_s", OVERLAP_S))
    made = endpoints.rotate(event["merchant_id"], event["endpoint_id"], overlap=overlap, at=utc_now())
    return _shown(made) | {"secret": made.secret}


def _disable(endpoints: Endpoints, event: Mapping[str, Any]) -> Answer:
    endpoints.disable(event["merchant_id"], event["endpoint_id"], because=event.get("because", "asked for"),
                      at=utc_now())
    return {"endpoint_id": event["endpoint_id"], "active": False}


def _enable(endpoints: Endpoints, event: Mapping[str, Any]) -> Answer:
    endpoints.enable(event["merchant_id"], event["endpoint_id"])
    return {"endpoint_id": event["endpoint_id"], "active": True}


def _list(endpoints: Endpoints, event: Mapping[str, Any]) -> Answer:
    return {"endpoints": [_shown(endpoint) for endpoint in endpoints.of(event["merchant_id"])]}


def _delete(endpoints: Endpoints, event: Mapping[str, Any]) -> Answer:
    endpoints.delete(event["merchant_id"], event["endpoint_id"])
    return {"endpoint_id": event["endpoint_id"]}


_Work = Callable[[Endpoints, Mapping[str, Any]], Answer]

ACTIONS: dict[str, tuple[_Work, frozenset[str], frozenset[str]]] = {
    "create": (_create, frozenset({"url"}), frozenset()),
    "rotate": (_rotate, frozenset({"endpoint_id"}), frozenset({"overlap_s"})),
    "disable": (_disable, frozenset({"endpoint_id"}), frozenset({"because"})),
    "enable": (_enable, frozenset({"endpoint_id"}), frozenset()),
    "list": (_list, frozenset(), frozenset()),
    "delete": (_delete, frozenset({"endpoint_id"}), frozenset()),
}
"""What each takes besides action and merchant_id: needed, and optional."""

_NUMBERS = frozenset({"overlap_s"})
_TEXT_LENGTH = 2_048


def _action(action: object) -> tuple[_Work, frozenset[str], frozenset[str]]:
    if not isinstance(action, str) or action not in ACTIONS:
        raise Misused(f"an event with an action is accepted: {', '.join(ACTIONS)}")
    return ACTIONS[action]


def _check(event: Mapping[str, Any], needed: frozenset[str], optional: frozenset[str]) -> None:
    always = {"action", "merchant_id"}
    accepted = f"{', '.join(sorted(needed | always))}" + (f" and, if wanted, {', '.join(sorted(optional))}"
                                                          if optional else "")
    if not needed | always <= event.keys() or not event.keys() <= needed | optional | always:
        raise Misused(f"an event with {accepted} is accepted")
    for name, value in event.items():
        if name in _NUMBERS:
            if not isinstance(value, int) or isinstance(value, bool):
                raise Misused(f"{name} is no whole number")
        elif not isinstance(value, str) or not 0 < len(value) <= _TEXT_LENGTH:
            raise Misused(f"{name} is no text of up to {_TEXT_LENGTH} characters")


def _shown(endpoint: Endpoint) -> Answer:
    """An endpoint without its secrets."""
    shown: Answer = {"endpoint_id": endpoint.endpoint_id, "url": endpoint.url, "active": endpoint.disabled_at is None,
                     "created_at": iso_ms(endpoint.created_at)}
    if endpoint.old_until is not None:
        shown["old_secret_until"] = iso_ms(endpoint.old_until)
    if endpoint.disabled_at is not None:
        shown |= {"disabled_at": iso_ms(endpoint.disabled_at), "disabled_because": endpoint.disabled_because}
    return shown
