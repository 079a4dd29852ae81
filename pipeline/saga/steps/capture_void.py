"""A capture in doubt at a gateway that cannot be asked and tells nothing: a void settles it, for only one can be.

The capture's key is not sent again by then, so the gateway carries out either the capture that it may have or the void.
Which one it was comes as its event; until then the payment stays in doubt.
"""

from __future__ import annotations

from dataclasses import replace

from pipeline.gateways.port import void_key
from pipeline.ledger.port import Operation, Payment
from pipeline.saga.calls import Call
from pipeline.saga.operations import capture_in_doubt, latest
from pipeline.saga.ports import Ports
from pipeline.saga.settle import Begun, Decision, change, event, settle


def void_instead(ports: Ports, call: Call, payment: Payment, budget_s: float) -> None:
    """Sends the void once; its answer says only that it was received. May raise Retryable."""
    operation = Operation(payment.payment_id, "void", 1, payment.authorized_minor or payment.amount_minor, "pending",
                          void_key(payment.payment_id), first_sent_at=ports.clock())

    def begin(found: Payment) -> Decision | dict[str, object]:
        if latest(ports.ledger, found.payment_id, "void") is not None or not capture_in_doubt(ports.ledger, found):
            return {}
        return Decision(change(found, ports.clock(), operations=(operation,), events=(event("void", "started"),)),
                        go_on=True)

    begun = settle(ports, call, begin)
    if not isinstance(begun, Begun):
        return
    answer = ports.gateway(payment.gateway).void(
        payment.payment_id, payment.gateway_ref, gateway_account=payment.gateway_account, key=operation.gateway_key,
        budget_s=budget_s)
    settle(ports, call, lambda found: Decision(change(found, ports.clock(), operations=(replace(
        operation, status="in_doubt", operation_ref=answer.operation_ref, error_code=answer.code),))))
