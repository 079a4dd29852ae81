"""What can be read off the state machines' own files: every way on, every time limit, no way back after the pivot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
import yaml

from pipeline.outcomes import Outcome
from pipeline.saga.ports import Policy
from tests.saga.walker import ROOT, definition

MACHINES = {name: definition(name) for name in ("saga", "unwind")}
BOTH = pytest.mark.parametrize("name", sorted(MACHINES))
SERVICE_ERRORS = {"Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.AWSLambdaException",
                  "Lambda.SdkClientException"}
CHAIN = ["VoidAuthorization", "ReleaseBalance", "RejectPayment"]


def of_type(name: str, kind: str) -> dict[str, dict[str, Any]]:
    """States of one type."""
    return {state: body for state, body in MACHINES[name]["States"].items() if body["Type"] == kind}


def exits(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(why, next state) of every way out of a state."""
    if "Next" in state:
        yield "next", state["Next"]
    for rule in state.get("Choices", ()):
        yield "choice", rule["Next"]
    if "Default" in state:
        yield "default", state["Default"]
    for catcher in state.get("Catch", ()):
        yield "catch", catcher["Next"]


def reachable(name: str, start: str) -> set[str]:
    """All states that can follow `start`, itself included."""
    found, waiting = set(), [start]
    while waiting:
        state = waiting.pop()
        if state not in found:
            found.add(state)
            waiting += [following for _, following in exits(MACHINES[name]["States"][state])]
    return found


def longest_s(name: str) -> float:
    """The longest way through the machine: every task runs to its limit as often as it may, and waits its longest."""
    states = MACHINES[name]["States"]

    @cache
    def rest(state: str) -> float:
        body = states[state]
        return cost(body) + max((rest(following) for _, following in exits(body)), default=0.0)

    return rest(MACHINES[name]["StartAt"])


def cost(body: Mapping[str, Any]) -> float:
    """Seconds of one state at most. A refusal by Lambda itself costs its wait alone; what timed out costs its time."""
    if body["Type"] != "Task":
        return 0.0
    waits, runs = 0.0, 1
    for retrier in body["Retry"]:
        waits += sum(min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** n, retrier["MaxDelaySeconds"])
                     for n in range(retrier["MaxAttempts"]))
        if {"States.Timeout", "States.ALL"} & set(retrier["ErrorEquals"]):
            runs += retrier["MaxAttempts"]
    return waits + float(runs * body["TimeoutSeconds"])


@BOTH
@pytest.mark.property(40)
def test_every_task_has_a_limit_typed_retries_with_jitter_and_a_catch(name: str) -> None:
    for state, body in of_type(name, "Task").items():
        assert body["TimeoutSeconds"] > 0, state
        for retrier in body["Retry"]:
            assert retrier["JitterStrategy"] == "FULL", state
            assert {"IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds"} <= set(retrier), state
        assert any(SERVICE_ERRORS & set(retrier["ErrorEquals"]) for retrier in body["Retry"]) or state == "CloseRecord"
        caught = [catcher["ErrorEquals"] for catcher in body["Catch"]]
        assert ["States.Timeout"] in caught, state
        assert caught[-1] == ["States.ALL"], state


@BOTH
@pytest.mark.property(35)
def test_all_errors_are_named_alone_and_last(name: str) -> None:
    for state, body in of_type(name, "Task").items():
        for listed in (body["Retry"], body["Catch"]):
            for number, entry in enumerate(listed):
                if "States.ALL" in entry["ErrorEquals"]:
                    assert entry["ErrorEquals"] == ["States.ALL"], state
                    assert number == len(listed) - 1, state


@BOTH
@pytest.mark.property(34)
def test_a_caught_error_replaces_nothing_that_the_undo_needs(name: str) -> None:
    for state, body in of_type(name, "Task").items():
        assert body["ResultPath"] != "$", state
        assert all(catcher["ResultPath"] == "$.error" for catcher in body["Catch"]), state


@BOTH
@pytest.mark.property(40)
def test_every_choice_has_a_default_and_knows_only_outcomes_that_steps_return(name: str) -> None:
    known = {str(outcome) for outcome in Outcome} | {"capture", "commit", "pay", "cancel"}
    for state, body in of_type(name, "Choice").items():
        assert body["Default"] in MACHINES[name]["States"], state
        for rule in body["Choices"]:
            parts = rule.get("And") or rule.get("Or") or [rule]
            assert all(part["StringEquals"] in known for part in parts), state


@BOTH
def test_every_state_can_be_reached_and_every_way_leads_to_the_end(name: str) -> None:
    states = MACHINES[name]["States"]
    assert reachable(name, MACHINES[name]["StartAt"]) == set(states)
    for state in states:
        assert "Ended" in reachable(name, state), state
    assert [state for state, body in states.items() if body["Type"] in ("Succeed", "Fail")] == ["Ended"]


@pytest.mark.property(35)
def test_steps_that_may_be_taken_back_are_taken_back_in_reverse_order() -> None:
    states = MACHINES["saga"]["States"]
    for state in ("ReserveBalance", "AuthorizeGateway"):
        assert {catcher["Next"] for catcher in states[state]["Catch"]} == {"VoidAuthorization"}
        assert states[states[state]["Next"]]["Default"] == "VoidAuthorization"
    compensate = states["Compensate"]
    assert {catcher["Next"] for catcher in states["ValidatePayment"]["Catch"]} == {"Compensate"}
    assert {rule["StringEquals"]: rule["Next"] for rule in compensate["Choices"]} == {
        "pay": "VoidAuthorization", "cancel": "VoidAuthorization"}
    for machine in MACHINES.values():
        for state, following in pairwise(CHAIN):
            choice = machine["States"][machine["States"][state]["Next"]]
            assert [rule["Next"] for rule in choice["Choices"] if rule.get("StringEquals") == "ok"] == [following]
            assert machine["States"][state]["Parameters"]["direction"] == "undo"


@BOTH
@pytest.mark.property(32)
def test_after_the_capture_no_way_leads_back(name: str) -> None:
    states = MACHINES[name]["States"]
    for state in ("CommitLedger", "AfterCommit"):
        assert not set(CHAIN) & reachable(name, state), state
    # From the capture itself one word alone, which the step says only while nothing is captured.
    capture, choice = states["CaptureOrVoid"], states["AfterCapture"]
    assert [rule["StringEquals"] for rule in choice["Choices"] if rule["Next"] in CHAIN] == ["void"]
    assert choice["Default"] not in CHAIN
    for catcher in capture["Catch"]:
        assert not set(CHAIN) & reachable(name, catcher["Next"])


@BOTH
@pytest.mark.property(37)
def test_the_longest_way_with_its_undo_ends_before_the_execution_and_that_before_the_lease(name: str) -> None:
    limit = MACHINES[name]["TimeoutSeconds"]
    forward_only = {"unwind": {"CloseRecord"}}.get(name, set())
    # Storing an answer is tried for minutes: by then the payment is settled and nothing hangs on the lease.
    extra = sum(cost(MACHINES[name]["States"][state]) - MACHINES[name]["States"][state]["TimeoutSeconds"]
                for state in forward_only)
    assert longest_s(name) - extra <= limit
    assert limit < Policy().lease.total_seconds()


@pytest.mark.property(37)
def test_gateway_budgets_end_before_functions_and_functions_before_their_tasks() -> None:
    template = yaml.load((ROOT / "infra" / "pipeline.yaml").read_text(), Loader=_Plain)
    limits = {function: body["Properties"]["Timeout"] for function, body in template["Resources"].items()
              if body["Type"] == "AWS::Serverless::Function"}
    policy = Policy()
    for machine in MACHINES.values():
        for body in machine["States"].values():
            if body["Type"] == "Task":
                function = body["Resource"].removeprefix("${").removesuffix("Arn}")
                if function != "Recovery":
                    assert limits[function] < body["TimeoutSeconds"], function
    assert policy.authorize_budget_s < limits["AuthorizeGateway"]
    assert policy.capture_budget_s < limits["CaptureOrVoid"]
    parameters = template["Parameters"]
    assert parameters["SagaLeaseSeconds"]["Default"] == policy.lease.total_seconds()
    assert parameters["SagaLeaseSeconds"]["MinValue"] > max(machine["TimeoutSeconds"] for machine in MACHINES.values())
    assert float(parameters["AuthorizeBudgetSeconds"]["Default"]) == policy.authorize_budget_s
    assert float(parameters["CaptureBudgetSeconds"]["Default"]) == policy.capture_budget_s
    assert limits["Checkout"] < 29


class _Plain(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their arguments."""


_Plain.add_multi_constructor("!", lambda loader, tag, node: (
    loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode)
    else loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode)
    else loader.construct_mapping(node, deep=True)))
