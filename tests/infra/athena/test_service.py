"""The API around a query: workgroups, idempotency, limits, lists, and the shapes of answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.session import get_session

from tests.infra.athena.harness import DATABASE, RESULTS, Stack

MODEL = get_session().get_service_model("athena")


@pytest.fixture
def group(plain: Stack) -> Iterator[str]:
    name = f"group-{uuid.uuid4()}"
    plain.api.create_work_group(Name=name, Description="a test", Configuration={
        "ResultConfiguration": {"OutputLocation": f"s3://{RESULTS}/{name}/"}, "EnforceWorkGroupConfiguration": True,
        "BytesScannedCutoffPerQuery": 10_000_000})
    yield name
    plain.api.delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)


def test_a_workgroup_is_made_shown_changed_and_listed(plain: Stack, group: str) -> None:
    shown = plain.api.get_work_group(WorkGroup=group)["WorkGroup"]
    assert (shown["Name"], shown["State"], shown["Description"]) == (group, "ENABLED", "a test")
    assert shown["Configuration"]["BytesScannedCutoffPerQuery"] == 10_000_000
    plain.api.update_work_group(WorkGroup=group, Description="changed", ConfigurationUpdates={
        "RemoveBytesScannedCutoffPerQuery": True, "EnforceWorkGroupConfiguration": False,
        "ResultConfigurationUpdates": {"RemoveOutputLocation": True}})
    shown = plain.api.get_work_group(WorkGroup=group)["WorkGroup"]
    assert shown["Description"] == "changed"
    assert "BytesScannedCutoffPerQuery" not in shown["Configuration"]
    assert "OutputLocation" not in shown["Configuration"]["ResultConfiguration"]
    assert {"primary", group} <= {item["Name"] for item in plain.api.list_work_groups()["WorkGroups"]}


@pytest.mark.parametrize("call, request_", [
    ("get_work_group", {"WorkGroup": "absent"}), ("delete_work_group", {"WorkGroup": "absent"}),
    ("update_work_group", {"WorkGroup": "absent"}), ("list_query_executions", {"WorkGroup": "absent"}),
    ("start_query_execution", {"WorkGroup": "absent", "QueryString": "SELECT 1"}),
])
def test_a_workgroup_that_is_not_there(plain: Stack, call: str, request_: dict[str, Any]) -> None:
    with pytest.raises(plain.api.exceptions.InvalidRequestException, match=r"WorkGroup absent is not found\."):
        getattr(plain.api, call)(**request_)


def test_primary_stays_and_names_are_taken_once(plain: Stack, group: str) -> None:
    with pytest.raises(plain.api.exceptions.InvalidRequestException, match="primary"):
        plain.api.delete_work_group(WorkGroup="primary")
    with pytest.raises(plain.api.exceptions.InvalidRequestException, match="already created"):
        plain.api.create_work_group(Name=group)


def test_a_disabled_workgroup_starts_nothing(plain: Stack, group: str) -> None:
    plain.api.update_work_group(WorkGroup=group, State="DISABLED")
    with pytest.raises(plain.api.exceptions.InvalidRequestException, match="is disabled"):
        plain.start("SELECT 1", WorkGroup=group)


def test_an_enforced_workgroup_decides_where_results_go(plain: Stack, group: str) -> None:
    location = plain.run("SELECT 1", WorkGroup=group)["ResultConfiguration"]["OutputLocation"]
    assert location.startswith(f"s3://{RESULTS}/{group}/")
    plain.api.update_work_group(WorkGroup=group, ConfigurationUpdates={"EnforceWorkGroupConfiguration": False})
    location = plain.run("SELECT 1", WorkGroup=group)["ResultConfiguration"]["OutputLocation"]
    assert location.startswith(f"s3://{RESULTS}/out/")


@pytest.mark.parametrize("configuration, reason", [
    ({}, "No output location provided"), ({"OutputLocation": "/tmp/x"}, "not a valid S3 path"),
    ({"OutputLocation": "s3://no-such-bucket/x/"}, "Unable to verify/create output bucket no-such-bucket"),
])
def test_results_need_a_place(plain: Stack, configuration: dict[str, str], reason: str) -> None:
    with pytest.raises(plain.api.exceptions.InvalidRequestException, match=reason):
        plain.start("SELECT 1", ResultConfiguration=configuration)


def test_a_token_starts_one_query(plain: Stack) -> None:
    token = str(uuid.uuid4())
    first = plain.start("SELECT 1", ClientRequestToken=token)
    assert plain.start("SELECT 1", ClientRequestToken=token) == first
    with pytest.raises(plain.api.exceptions.InvalidRequestException, match="Idempotent parameters do not match"):
        plain.start("SELECT 2", ClientRequestToken=token)
    assert plain.start("SELECT 1") != first


@pytest.mark.parametrize("sql, reason", [
    ("CREATE TABLE x AS SELECT 1", "Queries of this type are not supported"),
    ("drop table x", "Queries of this type are not supported"),
    ("-- nothing\n/* SELECT 1 */", "cannot be empty"), ("SELECT 1; SELECT 2", "Only one sql statement is allowed"),
    ("SELECT '" + "é" * 131_072 + "'", "less than or equal to 262144"),
])
def test_statements_that_are_refused(plain: Stack, sql: str, reason: str) -> None:
    with pytest.raises(plain.api.exceptions.InvalidRequestException, match=reason):
        plain.start(sql)


def test_a_statement_as_long_as_may_be(plain: Stack) -> None:
    frame = "SELECT length('') AS n"
    assert plain.rows(frame.replace("''", "'" + "x" * (262_144 - len(frame)) + "'")) == [
        ["n"], [str(262_144 - len(frame))]]
    assert plain.rows("SELECT ';' AS a;") == [["a"], [";"]]


def test_lists_newest_first_and_in_batches(plain: Stack, group: str) -> None:
    started = [plain.start(f"SELECT {number}", WorkGroup=group) for number in range(3)]
    for query in started:
        plain.ended(query)
    first = plain.api.list_query_executions(WorkGroup=group, MaxResults=2)
    assert first["QueryExecutionIds"] == started[:0:-1]
    rest = plain.api.list_query_executions(WorkGroup=group, MaxResults=2, NextToken=first["NextToken"])
    assert rest["QueryExecutionIds"] == started[:1]
    assert "NextToken" not in rest
    batch = plain.api.batch_get_query_execution(QueryExecutionIds=[started[1], "absent"])
    assert [item["Query"] for item in batch["QueryExecutions"]] == ["SELECT 1"]
    assert [item["QueryExecutionId"] for item in batch["UnprocessedQueryExecutionIds"]] == ["absent"]


def test_results_of_what_has_none(plain: Stack) -> None:
    with pytest.raises(plain.api.exceptions.InvalidRequestException, match="QueryExecution absent was not found"):
        plain.api.get_query_results(QueryExecutionId="absent")
    failed = plain.start("SELECT nope")
    plain.ended(failed)
    with pytest.raises(plain.api.exceptions.InvalidRequestException, match="Final query state: FAILED"):
        plain.api.get_query_results(QueryExecutionId=failed)
    done = plain.start("SELECT 1")
    plain.ended(done)
    with pytest.raises(plain.api.exceptions.InvalidRequestException, match="1000"):
        plain.api.get_query_results(QueryExecutionId=done, MaxResults=1001)
    with pytest.raises(plain.api.exceptions.InvalidRequestException, match="NextToken"):
        plain.api.get_query_results(QueryExecutionId=done, NextToken="nonsense!")
    plain.api.stop_query_execution(QueryExecutionId=done)
    assert plain.ended(done)["Status"]["State"] == "SUCCEEDED"


def test_reuse_of_results_is_shown_as_asked_and_never_done(plain: Stack) -> None:
    default = plain.run("SELECT 1")
    assert default["ResultReuseConfiguration"] == {"ResultReuseByAgeConfiguration": {"Enabled": False}}
    wanted = {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 60}}
    for _ in range(2):
        asked = plain.run("SELECT 1", ResultReuseConfiguration=wanted)
        assert asked["ResultReuseConfiguration"] == wanted
        assert asked["Statistics"]["ResultReuseInformation"] == {"ReusedPreviousResult": False}
    calls = plain.athena.calls("StartQueryExecution")
    assert [call["request"].get("ResultReuseConfiguration") for call in calls] == [None, wanted, wanted]


def test_an_operation_that_is_not_there(plain: Stack) -> None:
    with pytest.raises(plain.api.exceptions.ClientError) as caught:
        plain.api.list_data_catalogs()
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
    assert plain.bare("", {})[0] == 400
    assert plain.bare("GetQueryExecution", {})[1]["__type"] == "InvalidRequestException"
    assert plain.bare("GetQueryExecution", [])[1]["__type"] == "SerializationException"


def test_answers_have_the_shapes_of_the_service_model(plain: Stack, group: str) -> None:
    result = {"OutputLocation": f"s3://{RESULTS}/out/"}
    asked = {"QueryString": "SELECT ? AS a, CAST(NULL AS DATE) AS b", "ExecutionParameters": ["1"],
             "ResultConfiguration": result, "QueryExecutionContext": {"Database": DATABASE}, "WorkGroup": group}
    done = plain.start("SELECT 1")
    failed, unloaded = plain.start("SELECT nope"), plain.start(
        f"UNLOAD (SELECT 1 AS a) TO '{plain.target()}' WITH (format = 'PARQUET')")
    for query in (done, failed, unloaded):
        plain.ended(query)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("StartQueryExecution", asked), ("GetQueryExecution", {"QueryExecutionId": done}),
        ("GetQueryExecution", {"QueryExecutionId": failed}), ("GetQueryExecution", {"QueryExecutionId": unloaded}),
        ("BatchGetQueryExecution", {"QueryExecutionIds": [done, "absent"]}),
        ("GetQueryResults", {"QueryExecutionId": done, "MaxResults": 1}),
        ("GetQueryResults", {"QueryExecutionId": unloaded}), ("StopQueryExecution", {"QueryExecutionId": done}),
        ("GetQueryRuntimeStatistics", {"QueryExecutionId": done}), ("ListQueryExecutions", {"MaxResults": 1}),
        ("GetWorkGroup", {"WorkGroup": group}), ("ListWorkGroups", {}),
        ("UpdateWorkGroup", {"WorkGroup": group, "State": "ENABLED"}),
        ("CreateWorkGroup", {"Name": f"{group}-2"}), ("DeleteWorkGroup", {"WorkGroup": f"{group}-2"})]
    for operation, request in calls:
        status, body = plain.bare(operation, request)
        assert status == 200, body
        _conforms(MODEL.operation_model(operation).output_shape, body, operation)
    for query in plain.api.list_query_executions(WorkGroup=group)["QueryExecutionIds"]:
        plain.ended(query)


def _conforms(shape: Shape, value: Any, where: str) -> None:
    """Everything in `value` is declared, of its type, and all that is required is there."""
    if isinstance(shape, StructureShape):
        assert isinstance(value, dict), where
        assert set(value) <= set(shape.members), f"{where}: {set(value) - set(shape.members)}"
        assert set(shape.required_members) <= set(value), where
        for name, inner in value.items():
            _conforms(shape.members[name], inner, f"{where}.{name}")
    elif isinstance(shape, ListShape):
        for inner in value:
            _conforms(shape.member, inner, f"{where}[]")
    elif not isinstance(shape, MapShape):
        kinds: dict[str, tuple[type, ...]] = {"string": (str,), "boolean": (bool,), "timestamp": (int, float),
                                              "double": (int, float)}
        assert isinstance(value, kinds.get(shape.type_name, (int,))), f"{where}: {value!r}"
        allowed = shape.metadata.get("enum")
        assert not allowed or value in allowed, f"{where}: {value!r}"
