"""Who may begin: how an execution comes to hold a payment, for its own saga and for a merchant's capture or cancel."""

from __future__ import annotations

from dataclasses import replace

from pipeline.ledger.port import Payment
from pipeline.ledger.statuses import FINAL, Status
from pipeline.outcomes import Outcome
from pipeline.saga.calls import Call, Result, result, unread
from pipeline.saga.ports import Ports
from pipeline.saga.settle import Decision, change, ended, settle

CANCELLED = "cancelled"


def resume(ports: Ports, call: Call, payment: Payment) -> Payment | Result:
    """The payment under this execution's own fence: as opened, or taken over from one whose lease has ended."""
    if payment.execution == call.execution:
        return payment
    if payment.lease_until is None:
        resting = payment.status is Status.AUTHORIZED
        return result(Outcome.RESTING if resting else Outcome.DONE, payment, payment.cause)
    at = ports.clock()
    if payment.lease_until > at:
        return result(Outcome.RUNNING, payment)
    claimed = ports.ledger.claim(payment.payment_id, execution=call.execution, at=at,
                                 lease_until=at + ports.policy.lease)
    return claimed if claimed is not None else result(Outcome.RUNNING, payment)


def claim_operation(ports: Ports, call: Call) -> Result:
    """Claims a resting AUTHORIZED payment for a capture or cancel. REJECTED (`state_conflict`,
    `amount_above_authorized`) where its state does not allow it; the payment is then as it was."""
    payment = ports.ledger.payment(call.payment_id)
    if payment is None or payment.merchant_id != call.merchant_id:
        return unread(Outcome.REJECTED, call, "not_found")
    if payment.saga_hash == call.saga_hash and payment.saga == call.saga:
        held = resume(ports, call, payment)
        return _resumed(call, held) if isinstance(held, Payment) else _done(held)
    refused = _refused(call, payment)
    if refused is not None:
        return refused
    at = ports.clock()
    claimed = ports.ledger.claim(call.payment_id, execution=call.execution, at=at, saga=call.saga,
                                 lease_until=at + ports.policy.lease, saga_hash=call.saga_hash)
    if claimed is None:
        return result(Outcome.RUNNING, payment)
    return _begin(ports, replace(call, fence=claimed.fence))


def _refused(call: Call, payment: Payment) -> Result | None:
    if payment.lease_until is not None:
        return result(Outcome.RUNNING, payment)
    if payment.status is not Status.AUTHORIZED:
        return result(Outcome.REJECTED, payment, "state_conflict")
    asked, most = call.request.get("amount_minor"), payment.authorized_minor or payment.amount_minor
    if call.saga == "capture" and asked is not None and not 0 < int(asked) <= most:
        return result(Outcome.REJECTED, payment, "amount_above_authorized")
    return None


def _done(held: Result) -> Result:
    """RESTING says that a capture failed for good and left the payment resting: its saga is over as well."""
    return held | {"outcome": str(Outcome.DONE)} if held["outcome"] == str(Outcome.RESTING) else held


def _resumed(call: Call, held: Payment) -> Result:
    if held.status in FINAL:
        return result(Outcome.DONE, held, held.cause)
    return result(Outcome.OK if call.saga == "capture" else Outcome.VOID, held, held.cause)


def _begin(ports: Ports, call: Call) -> Result:
    """A new saga drops what an earlier one left as its cause; a cancel says why the payment will end."""
    cause = CANCELLED if call.saga == "cancel" else None
    outcome = Outcome.OK if call.saga == "capture" else Outcome.VOID

    def decide(payment: Payment) -> Decision | Result:
        if payment.status is not Status.AUTHORIZED:
            # It moved on between reading and claiming: the lease is returned and nothing else is touched.
            return Decision(change(payment, ports.clock(), release_lease=True), Outcome.REJECTED, "state_conflict")
        if payment.cause == cause:
            return result(outcome, payment)
        return Decision(change(payment, ports.clock(), updates={"cause": cause}), outcome)

    return ended(settle(ports, call, decide))
