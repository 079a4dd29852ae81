"""The templates of infra/: who may do what, how long things may take, what is kept and what is never logged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local.deploy import INFRA, SECRETS, TEMPLATE, TEMPLATES, read
from tests.house.tree import ROOT, modules

ALL = {path.stem: read(path) for path in TEMPLATES}
EVERY: dict[str, Any] = {f"{stem}.{name}": r for stem, t in ALL.items() for name, r in t["Resources"].items()}
"""Resources of every template as `template.Name`."""
EVERY_FUNCTION = {name: r["Properties"] for name, r in EVERY.items() if r["Type"] == "AWS::Serverless::Function"}
T = read(TEMPLATE)
RESOURCES: dict[str, Any] = T["Resources"]
FUNCTIONS = {name: r["Properties"] for name, r in RESOURCES.items() if r["Type"] == "AWS::Serverless::Function"}
MACHINES = {name: r["Properties"] for name, r in RESOURCES.items() if r["Type"] == "AWS::Serverless::StateMachine"}
SHARED = T["Globals"]["Function"]
NO_GLOBALS: dict[str, Any] = {"Function": {}}
EDGE_SECONDS = 29
STEPS = ("ValidatePayment", "ReserveBalance", "AuthorizeGateway", "CaptureOrVoid", "CommitLedger", "NotifyMerchant")

CANNOT_BE_NARROWED = {
    "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
    "xray:PutTelemetryRecords", "xray:PutTraceSegments",
}
"""Actions that AWS gives no resources for."""


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy, with the resource that has it."""
    for name, resource in EVERY.items():
        if resource["Type"] in ("AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy"):
            # They say who may not.
            continue
        properties = resource.get("Properties", {})
        for policy in properties.get("Policies", []):
            for statement in policy.get("Statement", []):
                yield name, statement
        for statement in properties.get("PolicyDocument", {}).get("Statement", []):
            yield name, statement


def listed(value: Any) -> list[Any]:
    """A value that may stand alone, as a list."""
    return value if isinstance(value, list) else [value]


def tasks(machine: str) -> Iterator[tuple[str, str, int]]:
    """State, function and seconds of each task of a machine."""
    path = INFRA / MACHINES[machine]["DefinitionUri"]
    for name, state in yaml.safe_load(path.read_text(encoding="utf-8"))["States"].items():
        if state["Type"] == "Task":
            yield name, re.fullmatch(r"\$\{(\w+)Arn\}", state["Resource"])[1], state["TimeoutSeconds"]  # type: ignore[index]


def test_nobody_may_do_everything() -> None:
    given = list(statements())
    assert len(given) > len(FUNCTIONS)
    for name, statement in given:
        actions = listed(statement["Action"])
        assert statement["Effect"] == "Allow", name
        assert [action for action in actions if "*" in action] == [], name
        if "*" in listed(statement["Resource"]):
            assert set(actions) <= CANNOT_BE_NARROWED, name


def test_each_function_has_rights_of_its_own_and_reads_no_secret_that_it_does_not_use() -> None:
    owner = [name for name, s in statements() if "DatabaseOwnerSecretId" in str(s["Resource"])]
    assert owner == ["pipeline.Migrate"]
    gateways = {name for name, f in FUNCTIONS.items() if {"Ref": "ReadGatewaysSecret"} in f["Policies"]}
    assert gateways == {"AuthorizeGateway", "CaptureOrVoid", "GatewayWebhooks"}
    without = {name for name, f in FUNCTIONS.items() if {"Ref": "ReadDatabaseSecret"} not in f["Policies"]}
    assert without == {"Authorizer", "NotifyMerchant"}
    assert [name for name, f in EVERY_FUNCTION.items() if not f.get("Policies")] == ["lake.LakeTransform"]


def test_no_secret_is_a_parameter() -> None:
    named = {name for t in ALL.values() for name in t["Parameters"]
             if re.search("secret|password|key|token", name, re.IGNORECASE)}
    assert named == set(SECRETS)


def test_every_function_is_a_handler_of_its_own() -> None:
    handlers = {name: f["Handler"].removesuffix(".handler") for name, f in EVERY_FUNCTION.items()}
    there = {path.removesuffix(".py").replace("/", ".") for path, text in modules("pipeline")
             if path.startswith("pipeline/handlers/") and "\ndef handler(" in text}  # fmt: skip
    assert sorted(handlers.values()) == sorted(there)


def test_what_the_code_asks_of_the_environment_is_set() -> None:
    asked = re.compile(r'\.(?:text|number|seconds)\("([A-Z_]+)"\)')
    names = {name for path, text in modules("pipeline") for name in asked.findall(text)}
    everywhere = {stem: set(t.get("Globals", NO_GLOBALS)["Function"].get("Environment", {}).get("Variables", {}))
                  for stem, t in ALL.items()}
    own = {name: set(f.get("Environment", {}).get("Variables", {})) for name, f in EVERY_FUNCTION.items()}
    assert names <= set().union(*everywhere.values(), *own.values())
    for name, function in EVERY_FUNCTION.items():
        path = ROOT / (function["Handler"].removesuffix(".handler").replace(".", "/") + ".py")
        if path.exists():
            said = set(asked.findall(path.read_text(encoding="utf-8")))
            assert said <= everywhere[name.partition(".")[0]] | own[name], path


@pytest.mark.property(37)
@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_a_function_ends_before_its_task_and_a_machine_before_its_lease(machine: str) -> None:
    found = list(tasks(machine))
    assert {function for _, function, _ in found} >= set(STEPS)
    for state, function, seconds in found:
        assert FUNCTIONS[function]["Timeout"] < seconds, state
        assert f"{function}Arn" in MACHINES[machine]["DefinitionSubstitutions"], state
    whole = yaml.safe_load((INFRA / MACHINES[machine]["DefinitionUri"]).read_text(encoding="utf-8"))["TimeoutSeconds"]
    assert whole < T["Parameters"]["SagaLeaseSeconds"]["MinValue"] <= T["Parameters"]["SagaLeaseSeconds"]["Default"]


@pytest.mark.property(37)
def test_budgets_end_before_their_functions_and_functions_before_the_edge() -> None:
    budgets = {"AuthorizeGateway": "AuthorizeBudgetSeconds", "CaptureOrVoid": "CaptureBudgetSeconds"}
    for function, parameter in budgets.items():
        assert float(T["Parameters"][parameter]["Default"]) < FUNCTIONS[function]["Timeout"]
    at_the_edge = {name for name, f in FUNCTIONS.items()
                   if any(event["Type"] == "Api" for event in f.get("Events", {}).values())}
    assert at_the_edge == {"Checkout", "PaymentOperations", "ReadPayment", "GatewayWebhooks"}
    assert {name for name in at_the_edge if FUNCTIONS[name]["Timeout"] >= EDGE_SECONDS} == set()
    assert T["Parameters"]["IdempotencyLeaseSeconds"]["MinValue"] > EDGE_SECONDS


def test_every_function_has_a_timeout_of_its_own() -> None:
    assert [name for name, f in EVERY_FUNCTION.items() if not 0 < f.get("Timeout", 0) <= 300] == []


def test_only_gateways_come_without_a_key() -> None:
    assert RESOURCES["Api"]["Properties"]["Auth"]["DefaultAuthorizer"] == "MerchantKey"
    routes = {(event["Properties"]["Method"], event["Properties"]["Path"]): event["Properties"].get("Auth")
              for f in FUNCTIONS.values() for event in f.get("Events", {}).values() if event["Type"] == "Api"}
    assert {route for route, auth in routes.items() if auth} == {
        ("POST", "/v1/webhooks/stripe"), ("POST", "/v1/webhooks/adyen")}  # fmt: skip
    assert {route for route, auth in routes.items() if not auth} == {
        ("POST", "/v1/payments"), ("GET", "/v1/payments/{id}"), ("POST", "/v1/payments/{id}/captures"),
        ("POST", "/v1/payments/{id}/cancels")}  # fmt: skip


def test_logs_end_some_day_and_hold_no_data_of_an_execution() -> None:
    groups = [r["Properties"] for r in EVERY.values() if r["Type"] == "AWS::Logs::LogGroup"]
    assert groups
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups)
    assert all(m["Logging"]["IncludeExecutionData"] is False for m in MACHINES.values())
    assert all(m["Tracing"]["Enabled"] for m in MACHINES.values())
    for stem in {name.partition(".")[0] for name in EVERY_FUNCTION}:
        shared = ALL[stem]["Globals"]["Function"]
        assert (shared["LoggingConfig"], shared["Tracing"]) == ({"LogGroup": {"Ref": "FunctionLogs"}}, "Active"), stem


def test_the_saga_is_express_and_what_finishes_it_is_standard() -> None:
    assert {name: machine["Type"] for name, machine in MACHINES.items()} == {"Saga": "EXPRESS", "Unwind": "STANDARD"}


def test_tables_are_kept_and_can_be_taken_back_to_any_moment() -> None:
    tables = {name: r for name, r in EVERY.items() if r["Type"] == "AWS::DynamoDB::Table"}
    assert set(tables) >= {"pipeline.IdempotencyTable", "pipeline.WorkerSlotsTable", "pipeline.ApiKeysTable"}
    for table in tables.values():
        assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
        assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    ttl = tables["pipeline.IdempotencyTable"]["Properties"]["TimeToLiveSpecification"]
    assert ttl == {"AttributeName": "expires_at", "Enabled": True}


def test_what_cannot_be_delivered_is_kept_and_told() -> None:
    queues = {name: r["Properties"] for name, r in EVERY.items() if r["Type"] == "AWS::SQS::Queue"}
    watched = str([r["Properties"]["Dimensions"] for r in EVERY.values() if r["Type"] == "AWS::CloudWatch::Alarm"])
    dead = {name: queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for name, queue in queues.items()
            if "RedrivePolicy" in queue}  # fmt: skip
    assert dead["notify.Outbox"] == "OutboxDeadLetters"
    # Schedules and a function's failures name theirs; tests/infra/test_schedule_template.py looks at them.
    kept = EVERY["schedule.Hourly"]["Properties"]["Target"]["DeadLetterConfig"]
    dead["schedule.Hourly"] = kept["Arn"]["Fn::GetAtt"][0]
    assert {name for name in queues if name not in dead} == {
        f"{name.partition('.')[0]}.{target}" for name, target in dead.items()}  # fmt: skip
    assert [target for target in dead.values() if f"'{target}'" not in watched] == []
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.stem))
def test_the_template_has_nothing_that_cloudformation_does_not_read(path: Path) -> None:
    """Aliases are YAML, but not CloudFormation's YAML."""
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"(?m)^[^#\"']*?[:\-] [&*]\w+", text) == []
