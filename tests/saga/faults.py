"""Seven ways in which a call of a step's function goes wrong, put around one call in one direction."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from tests.saga.walker import Function, TaskFailed
from tests.saga.world import Interruption, World

Event = dict[str, Any]
Struck = Callable[[World, str, Function, Event], Any]
GATEWAY_STEPS = ("AuthorizeGateway", "CaptureOrVoid")


class Crash(BaseException):
    """The process is gone in the middle of a step: nothing of it runs on."""


def fail_before(world: World, name: str, function: Function, event: Event) -> Any:
    """Fails before the step has done anything."""
    raise TaskFailed("Lambda.Unknown")


def lost_reply(world: World, name: str, function: Function, event: Event) -> Any:
    """The step is done, and nobody hears of it."""
    function(event)
    raise TaskFailed("Lambda.Unknown")


def crash_after_effect(world: World, name: str, function: Function, event: Event) -> Any:
    """The process dies right after its effect at the gateway, or where it has none after its first write."""
    def crash() -> None:
        raise Crash

    world.interruption = Interruption(crash, gateway=name in GATEWAY_STEPS, after=True)
    with contextlib.suppress(Crash):
        function(event)
    world.interruption = None
    world.fence.held.clear()  # the lock of the dead lapses by itself
    raise TaskFailed("Lambda.Unknown")


def hang(world: World, name: str, function: Function, event: Event) -> Any:
    """Nothing happens until the task's time is over; then the call is gone."""
    world.clock.spend(30)
    raise TaskFailed("States.Timeout")


def duplicate(world: World, name: str, function: Function, event: Event) -> Any:
    """Lambda calls the function twice."""
    function(event)
    return function(event)


def late(world: World, name: str, function: Function, event: Event) -> Any:
    """The call times out and arrives when the saga has long been taken back."""
    world.zombies.append(lambda: function(event))
    world.clock.spend(30)
    raise TaskFailed("States.Timeout")


def twin(world: World, name: str, function: Function, event: Event) -> Any:
    """The same call runs within this one, just before its effect, and the whole saga is started once more."""
    def both() -> None:
        function(event)
        world.execute(world.request(int(event["payment_id"])))

    world.interruption = Interruption(both, gateway=name in GATEWAY_STEPS, after=False)
    answer = function(event)
    world.interruption = None
    return answer


FAULTS: dict[str, Struck] = {struck.__name__: struck for struck in (
    fail_before, lost_reply, crash_after_effect, hang, duplicate, late, twin)}


def strike(world: World, name: str, direction: str, struck: Struck) -> list[Event]:
    """The next call of function `name` in `direction` is struck. Returns a list that then holds its event."""
    seen: list[Event] = []

    def wrap(called: str, function: Function) -> Function:
        def around(event: Event) -> Any:
            if called != name or event["direction"] != direction or seen:
                return function(event)
            seen.append(event)
            return struck(world, name, function, event)

        return around

    world.wrap = wrap
    return seen
