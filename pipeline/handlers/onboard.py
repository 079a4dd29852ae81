"""Onboard: gives a merchant its limits and a new API key, which is shown this once."""

from __future__ import annotations

from typing import Any

from pipeline.errors import Misused, PipelineError
from pipeline.handlers.parts import client, database, refused
from pipeline.ledger.accounts import Accounts
from pipeline.merchants.keys import ApiKeys, require_merchant_id
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.times import utc_now

ACCEPTED = 'an event {"merchant_id": "...", "limits": {"EUR": 100000}} is accepted'


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{"outcome": "ok", "merchant_id", "api_key"}, or what refused it, with nothing written.

    The event has merchant_id and limits: minor units by currency. Again with the same merchant changes the limits and
    issues one more key.
    """
    try:
        merchant_id, limits = _asked(event)
        keys = ApiKeys(client("dynamodb"), Settings.of().text("API_KEYS_TABLE"))
        at = utc_now()
        # A key without limits takes no payment; limits without a key are only not used yet.
        Accounts(database()).onboard(merchant_id, limits, at=at)
        api_key = keys.issue(merchant_id, at=at)
    except PipelineError as error:
        log("onboard", outcome="refused", reason=str(error))
        return refused(error)
    except ValueError as error:
        log("onboard", outcome="refused", reason=str(error))
        return refused(Misused(f"{error}; {ACCEPTED}"))
    log("onboard", outcome="ok", merchant_id=merchant_id, limits=len(limits))
    return {"outcome": "ok", "merchant_id": merchant_id, "api_key": api_key}


def _asked(event: dict[str, Any]) -> tuple[str, dict[str, int]]:
    if event.keys() != {"merchant_id", "limits"}:
        raise Misused(ACCEPTED)
    merchant_id, limits = event["merchant_id"], event["limits"]
    if not isinstance(merchant_id, str) or not isinstance(limits, dict) or not limits:
        raise Misused(ACCEPTED)
    require_merchant_id(merchant_id)
    return merchant_id, limits
