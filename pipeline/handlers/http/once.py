"""One request, one effect: claims the key, runs the saga, stores what it ended with; for checkout and operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pipeline.errors import Misused, Retryable
from pipeline.gate.hashing import fingerprint, key_hash
from pipeline.gate.port import Gate, Lost, Mismatch, Replay, Running, Won
from pipeline.handlers.http.exchange import Response, answered, location
from pipeline.handlers.http.executions import Executions
from pipeline.handlers.http.problems import (
    FieldProblem,
    Problem,
    invalid,
    key_in_use,
    key_reused,
    not_found,
    payment_busy,
    state_conflict,
    try_again,
)
from pipeline.outcomes import Outcome
from pipeline.saga.answer import answer
from pipeline.times import Clock

REPLAYED = {"Idempotent-Replayed": "true"}
NOTHING: Mapping[str, str] = {}


class Log(Protocol):
    """pipeline.telemetry.log, or a list of a test."""

    def __call__(self, event: str, **fields: object) -> None:
        """Writes one line."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a merchant asks for. `payload` is what the key stands for, `request` what the machine is given, `stand_in`
    the payment's summary as long as nothing is known of its saga."""

    merchant_id: str
    path: str
    key: str
    payload: Mapping[str, object]
    saga: str
    request: Mapping[str, object]
    trace_id: str
    stand_in: Callable[[int], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Once:
    """Answers a request once, however often it comes."""

    gate: Gate
    executions: Executions
    clock: Clock
    new_owner: Callable[[], str]
    log: Log
    api_base: str = ""

    def answer(self, asked: Asked, *, mint: Callable[[], int]) -> Response:
        """The answer to `asked`. Raises Problem."""
        hashed = key_hash(method="POST", path=asked.path, merchant_id=asked.merchant_id, key=asked.key)
        payload = fingerprint(method="POST", path=asked.path, payload=asked.payload)
        try:
            claimed = self.gate.claim(hashed, fingerprint=payload, owner=self.new_owner(), mint=mint, at=self.clock())
        except Retryable as error:
            self.log("not_claimed", merchant_id=asked.merchant_id, saga=asked.saga, reason=str(error))
            raise try_again() from error
        match claimed:
            case Replay():
                self._log("replayed", asked, claimed.payment_id, http_status=claimed.status_code)
                return self._answered(claimed.status_code, claimed.body, claimed.payment_id, REPLAYED)
            case Running():
                raise key_in_use(claimed.payment_id, claimed.retry_after_s)
            case Mismatch():
                raise key_reused()
        return self._run(asked, claimed)

    def _run(self, asked: Asked, won: Won) -> Response:
        # The name only helps to find the execution; each attempt at the key has its own.
        name = f"{asked.saga}-{won.payment_id}-{won.key_hash[:12]}-{won.fence}"
        payload = {"payment_id": str(won.payment_id), "saga": asked.saga, "hash": won.key_hash,
                   "merchant_id": asked.merchant_id, "trace_id": asked.trace_id, "request": dict(asked.request)}
        try:
            ended = self.executions.run(name, payload, trace_id=asked.trace_id)
        except (Retryable, Misused) as error:
            self._log("not_started", asked, won.payment_id, reason=str(error), fence=won.fence)
            self._forget(asked, won)
            if isinstance(error, Misused):
                raise
            raise try_again() from error
        if ended is None:
            # Its lease ends soon after ours: then a retry inherits the payment and is told its end.
            self._log("saga_left", asked, won.payment_id, fence=won.fence, outcome="goes_on")
            return self._accepted(asked, won)
        return self._settle(asked, won, ended)

    def _settle(self, asked: Asked, won: Won, ended: Mapping[str, object]) -> Response:
        outcome, payment = str(ended["outcome"]), ended.get("payment")
        code = ended.get("code")
        self._log("saga_ended", asked, won.payment_id, outcome=outcome, code=code, fence=won.fence,
                  status=ended.get("status"), takeover=won.taken_over)
        if asked.saga != "pay" and outcome in (Outcome.REJECTED, Outcome.RUNNING):
            self._forget(asked, won)
            raise _operation_refused(outcome, code, payment)
        if not isinstance(payment, dict):
            if outcome == Outcome.RETRYABLE:
                self._forget(asked, won)
                raise try_again()
            return self._accepted(asked, won)
        if asked.saga == "pay" and _is_another(payment, won, asked):
            self._forget(asked, won)
            raise key_reused()
        told = answer(payment)
        if told.final and outcome not in (Outcome.RUNNING, Outcome.IN_DOUBT):
            self._quietly(asked, won, lambda: self.gate.complete(
                won, status_code=told.status_code, body=told.body, at=self.clock()))
        elif outcome == Outcome.IN_DOUBT:
            self._quietly(asked, won, lambda: self.gate.hand_over(won, at=self.clock()))
        return self._answered(told.status_code, told.body, payment["payment_id"])

    def _accepted(self, asked: Asked, won: Won) -> Response:
        told = answer(asked.stand_in(won.payment_id))
        return self._answered(told.status_code, told.body, won.payment_id)

    def _answered(self, status: int, body: bytes, payment_id: object, more: Mapping[str, str] = NOTHING) -> Response:
        return answered(status, body, headers={**location(self.api_base, payment_id), **more})

    def _forget(self, asked: Asked, won: Won) -> None:
        self._quietly(asked, won, lambda: self.gate.release(won, at=self.clock()))

    def _quietly(self, asked: Asked, won: Won, write: Callable[[], None]) -> None:
        """The merchant's answer does not wait for the record: what stays open is taken over by a later retry."""
        try:
            write()
        except (Lost, Retryable) as error:
            self._log("record_left", asked, won.payment_id, fence=won.fence, reason=str(error))

    def _log(self, event: str, asked: Asked, payment_id: object, **fields: object) -> None:
        self.log(event, payment_id=payment_id, merchant_id=asked.merchant_id, saga=asked.saga, trace_id=asked.trace_id,
                 **fields)


def _operation_refused(outcome: str, code: object, payment: object) -> Problem:
    """Why a capture or cancel did not begin; the key is free again."""
    if outcome == Outcome.RUNNING:
        return payment_busy()
    if code == "amount_above_authorized":
        return invalid(FieldProblem("amount_minor", "more than was authorized"))
    return state_conflict(str(payment["status"])) if isinstance(payment, dict) else not_found()


def _is_another(payment: Mapping[str, object], won: Won, asked: Asked) -> bool:
    """Whether the ledger has kept this key for another payload, longer than the gate has: its own payment is answered
    for the same amount and currency."""
    if payment["payment_id"] == str(won.payment_id):
        return False
    return any(payment[name] != asked.request[name] for name in ("amount_minor", "currency"))
