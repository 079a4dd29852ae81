"""How the ports of the saga are filled in a deployed function: only with what that step needs, when it needs it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, Any

from pipeline.errors import Misused
from pipeline.handlers.parts import client, database, secret
from pipeline.saga.calls import Call, Result
from pipeline.saga.perform import Step, perform
from pipeline.saga.ports import Policy, Ports
from pipeline.settings import Settings
from pipeline.telemetry import log
from pipeline.telemetry.tell import tell
from pipeline.telemetry.trace import Span, span
from pipeline.times import utc_now

if TYPE_CHECKING:
    from pipeline.gateways.port import Gateway
    from pipeline.ledger.postgres import PostgresLedger


class _Absent:
    """Stands where a function was not given a part."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        raise Misused(f"this function has no {self._part}")


@cache
def ledger() -> PostgresLedger:
    """The ledger on the environment's one connection."""
    from pipeline.ledger.postgres import PostgresLedger

    return PostgresLedger(database(), clock=utc_now)


@cache
def ledger_ports() -> Ports:
    """For steps that need the ledger alone."""
    return _ports(ledger())


@cache
def scoring_ports() -> Ports:
    """For step 1: the ledger and the scorer."""
    from pipeline.fraud.registry import scoring

    scored = scoring(Settings.of())
    return _ports(ledger(), scorer=scored.scorer, policy=policy(fraud_budget_s=scored.budget_s,
                                                                fraud_fail_mode=scored.fail_mode))


@cache
def gateway_ports() -> Ports:
    """For steps that call a gateway: the ledger, the fence, the gateways with their secrets."""
    from pipeline.gateways.lock import RedisFence
    from pipeline.gateways.registry import Gateways

    settings = Settings.of()
    gateways = Gateways(settings, gateway_secrets)
    return _ports(ledger(), fence=RedisFence(settings.text("REDIS_URL")), gateway=gateways.get)


@cache
def relay_ports() -> Ports:
    """For step 6: the relay alone."""
    from pipeline.notify.invoking import InvokedRelay

    return _ports(None, relay=InvokedRelay(client("lambda"), Settings.of().text("RELAY_FUNCTION"), log))


def gateway_secrets() -> Mapping[str, str]:
    """Keys of both gateways and of their webhooks, from Secrets Manager."""
    return secret(Settings.of().text("GATEWAYS_SECRET_ID"))


def policy(**members: Any) -> Policy:
    """The policy of the settings; what they do not say is the policy's own."""
    settings = Settings.of()
    return Policy(lease=settings.saga_lease, authorize_budget_s=settings.authorize_budget_s,
                  capture_budget_s=settings.capture_budget_s, fee_bps=settings.number("PLATFORM_FEE_BPS", 100),
                  **members)


def run(step: Step, ports: Ports, event: Mapping[str, Any]) -> Result:
    """One invocation of a step's function, with its one line."""
    start = time.monotonic()
    call = Call.of(event)
    name = str(getattr(step, "__name__", "")).rpartition(".")[2]
    with traced(name, call) as made:
        found = perform(step, ports, call)
        made.set(outcome=found["outcome"], status=found["status"], code=found.get("code"))
    tell("step", step=name, direction=call.direction, payment_id=call.payment_id,
         saga=call.saga, trace_id=call.trace_id, outcome=found["outcome"], status=found["status"], fence=found["fence"],
         code=found.get("code"), duration_ms=(time.monotonic() - start) * 1000)
    return found


def traced(name: str, call: Call) -> AbstractContextManager[Span]:
    """The span of one step: in the trace of the payment, or, where recovery asks, in its own, linked to that."""
    return span(f"saga.{name}", call.trace_id, kind="server", links=[link] if (link := call.linked_trace_id) else [],
                payment_id=call.payment_id, saga=call.saga, direction=call.direction)


def _ports(held: PostgresLedger | None, **parts: Any) -> Ports:
    absent: dict[str, Any] = {part: _Absent(part) for part in ("ledger", "fence", "scorer", "relay")}
    chosen = absent | {"gateway": _no_gateway, "policy": policy()} | parts
    if held is not None:
        chosen["ledger"] = held
    return Ports(clock=utc_now, sleep=time.sleep, log=tell, **chosen)


def _no_gateway(name: str) -> Gateway:
    raise Misused(f"this function has no gateway {name}")
