"""All parts of the saga in one process: real steps and machines, the ledger in memory, the gateways' twins, a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import ModuleType
from typing import Any, cast

from infra.local.gateways.desk import Desk
from infra.local.gateways.store import Store
from pipeline.errors import Retryable
from pipeline.fraud.port import FraudDecision, FraudInput
from pipeline.ledger.port import Payment
from pipeline.ledger.statuses import FINAL, Status
from pipeline.saga.calls import Call, Result
from pipeline.saga.perform import Step, perform
from pipeline.saga.ports import Policy, Ports
from pipeline.saga.recovery import close, decide, sweep
from pipeline.saga.steps import authorize, capture, commit, notify, reserve, validate
from tests.gateways.book_twin import BookTwin, VirtualClock
from tests.ledger.memory import MemoryLedger
from tests.saga.walker import Execution, Function, Walker, definition, nothing

MERCHANT = "m-1"
ACCOUNTS = {"stripe": "acct_1", "adyen": "Shop"}
STEPS: dict[str, ModuleType] = {
    "ValidatePayment": validate, "ReserveBalance": reserve, "AuthorizeGateway": authorize, "CaptureOrVoid": capture,
    "CommitLedger": commit, "NotifyMerchant": notify}
SAGA, UNWIND = definition("saga"), definition("unwind")


@dataclass
class FakeLock:
    """A held lock."""

    lost: bool = False


@dataclass
class FakeFence:
    """Locks by name; `down`: the service cannot be reached; `forgetful`: it has lost every lock; `lapsed`: whether the
    time of those is over whose holder has died."""

    down: bool = False
    forgetful: bool = False
    lapsed: Callable[[], bool] = lambda: False
    held: set[str] = field(default_factory=set)
    refused: int = 0

    @contextmanager
    def hold(self, name: str, *, owner: str) -> Iterator[FakeLock | None]:
        """See the port."""
        if self.down:
            raise Retryable("the lock service cannot be reached")
        if name in self.held and not self.forgetful and not self.lapsed():
            self.refused += 1
            yield None
            return
        self.held.add(name)
        try:
            yield FakeLock(lost=self.forgetful)
        finally:
            self.held.discard(name)


@dataclass
class FakeScorer:
    """Decides as told, None: gives no answer. Counts how often it was asked."""

    decision: str | None = "approve"
    asked: int = 0

    def score(self, payment: FraudInput, *, budget_s: float) -> FraudDecision:
        """See the port."""
        self.asked += 1
        if self.decision is None:
            raise Retryable("the scorer is silent")
        return FraudDecision(self.decision, 500, "test")


@dataclass
class FakeGate:
    """Stored answers by key hash."""

    stored: dict[str, tuple[int, int, bytes]] = field(default_factory=dict)

    def close(self, key_hash: str, *, payment_id: int, status_code: int, body: bytes, at: datetime) -> bool:
        """See the port."""
        return self.stored.setdefault(key_hash, made := (payment_id, status_code, body)) is made


@dataclass
class FakeRelay:
    """Remembers what it was asked."""

    drained: list[int] = field(default_factory=list)
    broken: bool = False

    def drain(self, payment_id: int) -> None:
        """See the port."""
        self.drained.append(payment_id)


@dataclass
class Interruption:
    """`action` runs once, before or after the next effect: a call of a gateway, or else a write to the ledger."""

    action: Callable[[], object]
    gateway: bool
    after: bool


class Tapped:
    """Passes everything on to `inner`; its `effects` may be interrupted."""

    def __init__(self, world: World, inner: Any, effects: tuple[str, ...], *, gateway: bool) -> None:
        self._world, self._inner, self._effects, self._gateway = world, inner, effects, gateway

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._effects:
            return found

        def effect(*given: Any, **named: Any) -> Any:
            cut = self._world.interruption
            if cut is None or cut.gateway is not self._gateway:
                return found(*given, **named)
            self._world.interruption = None
            if not cut.after:
                cut.action()
                return found(*given, **named)
            answer = found(*given, **named)
            cut.action()
            return answer

        return effect


class World:
    """One pipeline. `ledger` may be wrapped before the first saga; `wrap` puts faults around functions."""

    def __init__(self, *, policy: Policy | None = None, limit: int = 1_000_000) -> None:
        self.clock = VirtualClock()
        self.interruption: Interruption | None = None
        self.zombies: list[Callable[[], object]] = []
        self.ledger: Any = Tapped(self, MemoryLedger(clock=self.clock), ("open", "apply"), gateway=False)
        self.ledger.onboard(MERCHANT, {"USD": limit, "EUR": limit, "JPY": limit}, at=self.clock())
        desk = Desk(Store(None, seed="saga"))
        self.gateways: dict[str, Any] = {
            name: Tapped(self, BookTwin(name, self.clock, account=account, desk=desk),
                         ("authorize", "capture", "void"), gateway=True) for name, account in ACCOUNTS.items()}
        self.fence, self.scorer, self.relay, self.gate = FakeFence(), FakeScorer(), FakeRelay(), FakeGate()
        self.logged: list[tuple[str, dict[str, object]]] = []
        self.policy = policy or Policy()
        self.wrap: Callable[[str, Function], Function] = lambda name, function: function
        self.before: Callable[[str, int], None] = nothing
        self.before_unwind: Callable[[str, int], None] = nothing
        self.unwound: list[Execution] = []
        self.used: set[str] = set()
        self.started = 0

    @property
    def ports(self) -> Ports:
        """The steps' ports over this world."""
        return Ports(ledger=self.ledger, gateway=self.gateways.__getitem__, fence=self.fence, scorer=self.scorer,
                     relay=self.relay, clock=self.clock, sleep=self.clock.spend,
                     log=lambda event, **fields: self.logged.append((event, fields)), policy=self.policy)

    def request(self, payment_id: int, *, amount: int = 1999, currency: str = "USD", gateway: str = "stripe",
                token: str = "pm_card_visa", capture_mode: str = "automatic") -> dict[str, Any]:
        """A machine's input for a new payment."""
        return {"payment_id": str(payment_id), "saga": "pay", "hash": f"hash-{payment_id}", "merchant_id": MERCHANT,
                "trace_id": f"trace-{payment_id}", "request": {
                    "amount_minor": amount, "currency": currency, "gateway": gateway,
                    "gateway_account": ACCOUNTS[gateway], "capture_mode": capture_mode, "method_token": token,
                    "reference": None, "metadata": {}}}

    def pay(self, payment_id: int = 77, **more: Any) -> Execution:
        """Runs a payment's saga."""
        return self.execute(self.request(payment_id, **more))

    def operate(self, saga: str, payment_id: int = 77, *, key: str = "op", amount: int | None = None) -> Execution:
        """Runs a merchant's capture or cancel."""
        request = {} if amount is None else {"amount_minor": amount}
        return self.execute({"payment_id": str(payment_id), "saga": saga, "hash": f"{key}-{payment_id}",
                             "merchant_id": MERCHANT, "trace_id": "t", "request": request})

    def execute(self, given: Mapping[str, Any], name: str = "") -> Execution:
        """Runs the saga machine on an input."""
        self.started += 1
        return self._walker(SAGA, self.before).run(name or f"saga-{self.started}", given)

    def sweep(self, after: timedelta | None = None) -> int:
        """One sweep, by default just after the longest lease; runs what it starts. The number of claims."""
        self.clock.spend((after or self.policy.lease + timedelta(seconds=1)).total_seconds())
        return sweep(self.ports, self).claimed

    def settle(self, sweeps: int = 30, every: timedelta = timedelta(minutes=31)) -> None:
        """Sweeps until nothing is unfinished. Raises AssertionError where that does not come."""
        for _ in range(sweeps):
            self.sweep(every)
            if not self.ledger.unfinished(at=self.clock() + timedelta(days=30), limit=10):
                return
        raise AssertionError("a payment stays in limbo")

    def start(self, name: str, payload: Mapping[str, object]) -> None:
        """The unwinding machine: a name runs once."""
        if name not in self.used:
            self.used.add(name)
            self.unwound.append(self._walker(UNWIND, self.before_unwind).run(name, payload))

    def step(self, name: str, event: Mapping[str, Any]) -> Result:
        """One call of a step's function."""
        return perform(cast(Step, STEPS[name]), self.ports, Call.of(event))

    def event(self, payment_id: int = 77, direction: str = "forward", fence: int = 1, execution: str = "saga-1",
              **more: Any) -> dict[str, Any]:
        """A step's input as the machine shapes it."""
        given = self.request(payment_id, **more)
        return given | {"direction": direction, "fence": fence, "execution": f"arn:aws:states:execution:{execution}"}

    def payment(self, payment_id: int = 77) -> Payment:
        """The row, which must be there."""
        found = self.ledger.payment(payment_id)
        assert found is not None
        return cast(Payment, found)

    def moved(self, payment_id: int = 77) -> int:
        """What the gateway's book says that the customer has paid."""
        return sum({"capture": 1, "refund": -1}.get(done["kind"], 0) * done["amount_minor"]
                   for done in self.booked(payment_id) if done["status"] == "succeeded")

    def booked(self, payment_id: int = 77) -> list[dict[str, Any]]:
        """The gateways' own record of a payment."""
        return [done for twin in self.gateways.values() for done in twin.operations(payment_id)]

    def check(self, payment_id: int = 77, *, resting: bool = False) -> Payment:
        """Invariants at the end: terminal, nothing held, every journal balanced, the book equal to the ledger."""
        payment, booked = self.payment(payment_id), self.booked(payment_id)
        assert payment.status in FINAL or (resting and payment.status is Status.AUTHORIZED), payment
        assert payment.lease_until is None, payment
        done = [row for row in booked if row["status"] == "succeeded"]
        by_kind = {kind: [row for row in done if row["kind"] == kind] for kind in ("authorize", "capture", "void")}
        assert len(by_kind["authorize"]) <= 1, booked
        assert len(by_kind["capture"]) <= 1, booked
        assert not (by_kind["capture"] and by_kind["void"]), booked
        assert self.moved(payment_id) == payment.captured_minor - payment.refunded_minor, (payment, booked)
        open_at_gateway = by_kind["authorize"] and not (by_kind["capture"] or by_kind["void"])
        if resting and payment.status is Status.AUTHORIZED:
            assert open_at_gateway, booked
            assert self.ledger.open_hold_minor(payment_id) == payment.amount_minor
        else:
            assert not open_at_gateway, booked
            assert self.ledger.open_hold_minor(payment_id) == 0
        self.check_balanced()
        return payment

    def check_balanced(self) -> None:
        """Debits equal credits in every journal."""
        sums: dict[tuple[str, str], int] = {}
        for _, journal_id, _, entry in self.ledger.entries():
            key = (journal_id, entry.currency)
            sums[key] = sums.get(key, 0) + (1 if entry.direction == "D" else -1) * entry.amount_minor
        assert not any(sums.values())

    def _walker(self, machine: Mapping[str, Any], before: Callable[[str, int], None]) -> Walker:
        functions: dict[str, Function] = {name: self.wrap(name, partial(self.step, name)) for name in STEPS}
        functions["Recovery"] = self._recovery
        return Walker(machine, functions, self.clock, self.clock.spend, before)

    def _recovery(self, event: dict[str, Any]) -> Result:
        call = Call.of(event)
        if event["action"] == "decide":
            return decide(self.ports, call)
        return close(self.ports, self.gate, call)  # type: ignore[arg-type]
