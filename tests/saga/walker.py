"""A strict interpreter of the state machines' own files, in this process and in virtual time.

Stricter than the emulator where AWS is: `States.ALL` catches neither `States.Runtime` nor `States.DataLimitExceeded`,
states pass on at most 256 KiB, a missing path fails, an execution that runs out of time ends without any Catch.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
LIMIT_BYTES = 256 * 1024
_NEVER_BY_ALL = ("States.Runtime", "States.DataLimitExceeded")

Function = Callable[[dict[str, Any]], Any]
Before = Callable[[str, int], None]


def nothing(state: str, count: int) -> None:
    """Lets every transition pass."""


class TaskFailed(Exception):
    """A function did not return: `error` is the name that a Catch sees."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Killed(Exception):
    """The coordinator is gone: no Catch runs, nothing is kept."""


@dataclass
class Execution:
    """How an execution ended: SUCCEEDED, FAILED, TIMED_OUT or KILLED, with the states that it entered."""

    name: str
    status: str = "RUNNING"
    output: Any = None
    error: str | None = None
    visited: list[str] = field(default_factory=list)


def definition(name: str) -> dict[str, Any]:
    """infra/{name}.asl.yaml."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "infra" / f"{name}.asl.yaml").read_text())
    return found


class Walker:
    """Runs one machine. `functions` by the name in `${NameArn}`; `spend` moves the clock by seconds; `before` is called
    with (state, number of transitions so far) and may raise Killed."""

    def __init__(self, machine: Mapping[str, Any], functions: Mapping[str, Function], clock: Callable[[], datetime],
                 spend: Callable[[float], None], before: Before = nothing) -> None:
        self._machine, self._functions = machine, functions
        self._clock, self._spend, self._before = clock, spend, before

    def run(self, name: str, given: Mapping[str, Any]) -> Execution:
        """One execution from its input to its end."""
        execution = Execution(name)
        context = {"Execution": {"Id": f"arn:aws:states:execution:{name}"}}
        over = self._clock() + timedelta(seconds=self._machine["TimeoutSeconds"])
        state, data = self._machine["StartAt"], copy.deepcopy(dict(given))
        try:
            while state is not None:
                self._before(state, len(execution.visited))
                execution.visited.append(state)
                state, data = self._enter(self._machine["States"][state], data, context)
                if self._clock() > over:
                    execution.status = "TIMED_OUT"
                    return execution
            execution.status, execution.output = "SUCCEEDED", data
        except Killed:
            execution.status = "KILLED"
        except TaskFailed as failed:
            execution.status, execution.error = "FAILED", failed.error
        return execution

    def _enter(self, state: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> tuple[str | None, Any]:
        match state["Type"]:
            case "Pass":
                result = _shaped(state["Parameters"], data, context) if "Parameters" in state else (
                    read(state.get("InputPath", "$"), data, context))
                return state["Next"], _limited(_put(data, state.get("ResultPath", "$"), result))
            case "Choice":
                for rule in state["Choices"]:
                    if _holds(rule, data, context):
                        return rule["Next"], data
                return state["Default"], data
            case "Succeed":
                return None, read(state.get("OutputPath", "$"), data, context)
            case "Fail":
                raise TaskFailed(state["Error"])
            case "Task":
                return self._task(state, data, context)
        raise AssertionError(f"a state of type {state['Type']}")

    def _task(self, state: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> tuple[str | None, Any]:
        tries: dict[int, int] = {}
        while True:
            try:
                result = self._call(state, _shaped(state["Parameters"], data, context))
                return state["Next"], _limited(_put(data, state.get("ResultPath", "$"), result))
            except TaskFailed as failed:
                if self._retries(state, failed.error, tries):
                    continue
                for catcher in state.get("Catch", ()):
                    if _matches(catcher["ErrorEquals"], failed.error):
                        caught = {"Error": failed.error, "Cause": ""}
                        return catcher["Next"], _put(data, catcher.get("ResultPath", "$"), caught)
                raise

    def _call(self, state: Mapping[str, Any], given: dict[str, Any]) -> Any:
        began, limit = self._clock(), state["TimeoutSeconds"]
        name = state["Resource"].removeprefix("${").removesuffix("Arn}")
        answer = self._functions[name](json.loads(json.dumps(given)))
        if (self._clock() - began).total_seconds() > limit:
            raise TaskFailed("States.Timeout")
        text = json.dumps(answer)
        if len(text.encode()) > LIMIT_BYTES:
            raise TaskFailed("States.DataLimitExceeded")
        return json.loads(text)

    def _retries(self, state: Mapping[str, Any], error: str, tries: dict[int, int]) -> bool:
        for number, retrier in enumerate(state.get("Retry", ())):
            if not _matches(retrier["ErrorEquals"], error):
                continue
            done = tries.get(number, 0)
            if done >= retrier["MaxAttempts"]:
                return False
            tries[number] = done + 1
            self._spend(min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** done, retrier["MaxDelaySeconds"]))
            return True
        return False


def read(path: str, data: Any, context: Mapping[str, Any]) -> Any:
    """What `path` names, `$.a.b` in the data or `$$.A.B` in the context; a missing one is States.Runtime."""
    found: Any = context if path.startswith("$$") else data
    for part in path.lstrip("$").strip(".").split("."):
        if not part:
            continue
        if not isinstance(found, Mapping) or part not in found:
            raise TaskFailed("States.Runtime")
        found = found[part]
    return found


def _shaped(template: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removesuffix(".$"): read(value, data, context) if name.endswith(".$") else value
            for name, value in template.items()}


def _put(data: Any, path: str, result: Any) -> Any:
    if path == "$":
        return result
    changed = dict(data)
    changed[path.removeprefix("$.")] = result
    return changed


def _limited(data: Any) -> Any:
    if len(json.dumps(data).encode()) > LIMIT_BYTES:
        raise TaskFailed("States.DataLimitExceeded")
    return data


def _holds(rule: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> bool:
    if "And" in rule:
        return all(_holds(part, data, context) for part in rule["And"])
    if "Or" in rule:
        return any(_holds(part, data, context) for part in rule["Or"])
    return bool(read(rule["Variable"], data, context) == rule["StringEquals"])


def _matches(names: list[str], error: str) -> bool:
    if error in names:
        return True
    if "States.TaskFailed" in names and error != "States.Timeout" and error not in _NEVER_BY_ALL:
        return True
    return "States.ALL" in names and error not in _NEVER_BY_ALL
