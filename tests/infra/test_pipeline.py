"""The pipeline as the local stack deploys it: through CloudFormation, with its own code, its edge and its merchants."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.local.deploy import MERCHANTS, STACK, invoked
from infra.local.errors import LocalRefused
from infra.local.guard import client
from infra.local.pipeline import Pipeline
from infra.local.stack import Stack
from pipeline.ledger.migrate import migrations
from pipeline.schemas.tables import DATABASE, TABLES


@pytest.fixture
def running(pipeline_stack: Stack) -> Pipeline:
    """The pipeline of the stack."""
    assert pipeline_stack.pipeline is not None
    return pipeline_stack.pipeline


def asked(url: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON body of an answer."""
    request = urllib.request.Request(url, method=method, headers=headers, data=b"{}" if method == "POST" else None)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), json.loads(error.read())


def refused_by(stack: Stack, running: Pipeline, event: dict[str, Any]) -> str:
    """Why Onboard refuses an event."""
    with pytest.raises(LocalRefused) as refused:
        invoked(stack.environment(), running.deployment.function("Onboard"), event)
    return str(refused.value)


def test_everything_listens_on_this_machine_alone(pipeline_stack: Stack) -> None:
    servers = pipeline_stack.servers()
    assert set(servers) == {"emulator", "athena", "postgres", "redis", "gateways", "merchants"}
    for server in servers.values():
        assert {address for address, _ in server.listening()} == {"127.0.0.1"}, server.name
    assert pipeline_stack.ended() is None


def test_the_database_is_migrated_by_the_deployed_function(pipeline_stack: Stack, running: Pipeline) -> None:
    with psycopg.connect(running.database.owner_dsn) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM schema_migrations ORDER BY name").fetchall()]
    assert names == [migration.name for migration in migrations()]
    again = invoked(pipeline_stack.environment(), running.deployment.function("Migrate"), {})
    assert again == {"outcome": "ok", "applied": []}
    with psycopg.connect(running.database.app_dsn) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("payments_app",)


def test_merchants_have_keys_that_are_kept_as_hashes(pipeline_stack: Stack, running: Pipeline) -> None:
    assert set(running.deployment.keys) == set(MERCHANTS)
    rows = client("dynamodb", pipeline_stack.environment()).scan(
        TableName=running.deployment.outputs["ApiKeysTableName"])["Items"]  # fmt: skip
    assert {row["merchant_id"]["S"] for row in rows} >= set(MERCHANTS)
    assert not any(key in json.dumps(rows, default=str) for key in running.deployment.keys.values())
    assert running.deployment.keys["merchant_a"] not in repr(running.deployment)


@pytest.mark.parametrize(
    "event, said",
    [
        ({}, "is accepted"),
        ({"merchant_id": "new", "limits": {"EUR": 1}, "more": 1}, "is accepted"),
        ({"merchant_id": "Not An Id", "limits": {"EUR": 1}}, "a merchant id has"),
        ({"merchant_id": "new", "limits": {}}, "is accepted"),
        ({"merchant_id": "new", "limits": {"EUR": 1.5}}, "whole number"),
        ({"merchant_id": "new", "limits": {"EUR": 0}}, "whole number"),
        ({"merchant_id": "new", "limits": {"XXQ": 1}}, "XXQ"),
    ],
)
def test_a_merchant_that_cannot_be_is_refused_and_nothing_written(
    pipeline_stack: Stack, running: Pipeline, event: dict[str, Any], said: str
) -> None:
    def counts() -> tuple[Any, int]:
        with psycopg.connect(running.database.owner_dsn) as connection:
            rows = connection.execute("SELECT count(*) FROM balances").fetchone()
        table = running.deployment.outputs["ApiKeysTableName"]
        return rows, client("dynamodb", pipeline_stack.environment()).scan(TableName=table, Select="COUNT")["Count"]

    before = counts()
    assert said in refused_by(pipeline_stack, running, event)
    assert counts() == before


@pytest.mark.property(17)
def test_the_edge_answers_for_itself_with_problems(pipeline_stack: Stack, running: Pipeline) -> None:
    api = running.deployment.api
    records = partial(client("dynamodb", pipeline_stack.environment()).scan,
                      TableName=running.deployment.outputs["IdempotencyTableName"], Select="COUNT")
    before = records()["Count"]
    unknown = {"Authorization": "Bearer sw_live_" + "0" * 40}
    for status, answer in (
        (401, asked(f"{api}/v1/payments", "POST")),
        (401, asked(f"{api}/v1/payments", "POST", **unknown)),
        (404, asked(f"{api}/v1/nothing")),
    ):
        assert answer[0] == status, answer
        assert answer[1]["Content-Type"] == "application/problem+json"
        assert (answer[2]["status"], set(answer[2])) == (status, {"type", "title", "status", "detail"})
    assert records()["Count"] == before


def test_functions_run_the_code_that_was_packed(pipeline_stack: Stack) -> None:
    code = pipeline_stack.folder / "emulator"
    unpacked = [path for path in code.rglob("pipeline/handlers/migrate.py") if path.is_file()]
    assert unpacked, "the function that has run lies below the stack's own folder"
    assert all((path.parents[2] / "pipeline" / "ledger" / "sql").is_dir() for path in unpacked)


def test_functions_log_one_line_without_a_secret(pipeline_stack: Stack, running: Pipeline) -> None:
    logs = client("logs", pipeline_stack.environment())
    group = f"/payments/{STACK}/functions"
    # One answer lists fifty streams, and other tests of this worker have made more.
    streams = [stream["logStreamName"] for page in logs.get_paginator("describe_log_streams").paginate(
        logGroupName=group) for stream in page["logStreams"]]
    lines = [event["message"] for stream in streams
             for event in logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]]
    assert any('"event":"onboard"' in line and '"outcome":"ok"' in line for line in lines)
    secrets = [*running.deployment.keys.values(), running.database.owner_password, running.database.app_password,
               *running.gateways.keys().values()]  # fmt: skip
    assert [line for line in lines if any(secret in line for secret in secrets)] == []


def test_reconciliation_is_deployed_over_the_lake_and_does_not_fire_unless_it_is_wanted(
    pipeline_stack: Stack, running: Pipeline
) -> None:
    settings, outputs = pipeline_stack.environment(), running.deployment.outputs
    scheduler = client("scheduler", settings)
    group = outputs["ReconSchedules"]
    states = {one["Name"]: one["State"] for one in scheduler.list_schedules(GroupName=group)["Schedules"]
              if one["GroupName"] == group}
    assert states == {f"{STACK}-recon-{window}": "DISABLED" for window in ("hourly", "T7", "T14", "T30")}
    function = client("lambda", settings).get_function_configuration(FunctionName=outputs["ReconRunName"])
    variables = function["Environment"]["Variables"]
    assert variables["RECON_LAKE"] == settings["PAYMENTS_LAKE"]
    assert (variables["RECON_RUNS"], variables["RECON_TOPIC_ARN"]) == (
        settings["RECON_RUNS"], settings["RECON_TOPIC_ARN"])
    assert variables["AWS_ENDPOINT_URL_ATHENA"] == pipeline_stack.athena.endpoint
    assert "RECON_AWS" not in variables
    tables = client("glue", settings).get_tables(DatabaseName=DATABASE)["TableList"]
    assert {table["Name"] for table in tables} == TABLES.keys()


def test_what_cannot_be_deployed_says_why(pipeline_stack: Stack, tmp_path: Path) -> None:
    """The stack of this name exists there already: nothing is left of the second try."""
    with pytest.raises(LocalRefused, match=r"could not be deployed: .* already exists"):
        Pipeline.start(tmp_path / "second", aws=pipeline_stack.environment(), tell=print, parameters={})
    assert list(tmp_path.iterdir()) == []
