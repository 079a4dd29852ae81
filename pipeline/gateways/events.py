"""What a gateway tells us by webhook, in one form for both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.errors import PipelineError

KINDS = ("authorize", "capture", "void", "refund", "capture_reversal", "refund_reversal", "chargeback",
         "chargeback_reversal", "expire", "other")


class WebhookRefused(PipelineError):
    """The message is forged, stale or malformed (`code`): nothing of it may be used."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """One thing that happened at the gateway; the same thing told twice has the same `event_id`.

    `kind` is one of KINDS, `success` whether it came to pass: a declined authorisation is (authorize, False), a capture
    that failed after it had been accepted (capture_reversal, True). payment_id None: find the payment by `gateway_ref`.
    `amount_minor` is in the ledger's minor units, None where the message holds none. No card data is kept.
    """

    gateway: str
    event_id: str
    kind: str
    payment_id: int | None
    gateway_ref: str | None
    operation_ref: str | None
    amount_minor: int | None
    currency: str | None
    occurred_at: datetime
    success: bool
    gateway_account: str | None = None
    raw_kind: str = ""
