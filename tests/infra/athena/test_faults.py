"""Failures on request: with the code and the words of the real API, as often as asked, and then gone."""

from __future__ import annotations

import time
import uuid
from urllib.error import HTTPError

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from infra.local import guard
from tests.infra.athena.harness import RESULTS, Stack


@pytest.mark.parametrize("fault, code, text", [
    ("throttled", "ThrottlingException", "Rate exceeded"),
    ("too_many_requests", "TooManyRequestsException", "You have exceeded the limit"),
    ("expired_token", "ExpiredTokenException", "The security token included in the request is expired"),
    ("invalid_token", "UnrecognizedClientException", "The security token included in the request is invalid"),
    ("access_denied", "AccessDeniedException", "is not authorized to perform: athena:StartQueryExecution"),
    ("server_error", "InternalServerException", "Internal server error"),
])
def test_a_call_fails_as_often_as_asked(plain: Stack, fault: str, code: str, text: str) -> None:
    plain.athena.fault(fault, times=2)
    for _ in range(2):
        with pytest.raises(ClientError, match=text) as caught:
            plain.start("SELECT 1")
        assert caught.value.response["Error"]["Code"] == code
    assert plain.athena.faults() == []
    plain.ended(plain.start("SELECT 1"))
    assert [call["answer"] for call in plain.athena.calls("StartQueryExecution")] == [code, code, "ok"]


def test_a_fault_is_for_one_operation_workgroup_and_text(plain: Stack) -> None:
    plain.athena.fault("throttled", operation="GetQueryExecution")
    query = plain.start("SELECT 1")
    with pytest.raises(ClientError, match="Rate exceeded"):
        plain.api.get_query_execution(QueryExecutionId=query)
    plain.athena.fault("throttled", workgroup="another")
    plain.athena.fault("throttled", containing="FIND ME")
    assert plain.run("SELECT 1")["Status"]["State"] == "SUCCEEDED"
    with pytest.raises(ClientError, match="Rate exceeded"):
        plain.start("SELECT 'FIND ME'")
    plain.athena.reset()
    assert plain.athena.faults() == []


def test_clients_retry_what_is_throttled_under_the_same_token(plain: Stack) -> None:
    plain.athena.fault("throttled", times=2)
    client = guard.client("athena", plain.aws)
    query = client.start_query_execution(QueryString="SELECT 1",
                                         ResultConfiguration={"OutputLocation": f"s3://{RESULTS}/out/"})
    plain.ended(query["QueryExecutionId"])
    calls = plain.athena.calls("StartQueryExecution")
    assert [call["answer"] for call in calls] == ["ThrottlingException", "ThrottlingException", "ok"]
    assert len({call["request"]["ClientRequestToken"] for call in calls}) == 1


def test_a_lost_answer_starts_no_second_query(plain: Stack) -> None:
    plain.athena.fault("drop")
    token = str(uuid.uuid4())
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        plain.start("SELECT 'lost'", ClientRequestToken=token)
    query = plain.start("SELECT 'lost'", ClientRequestToken=token)
    plain.ended(query)
    newest = plain.api.list_query_executions(MaxResults=2)["QueryExecutionIds"]
    texts = [item["Query"] for item in plain.api.batch_get_query_execution(QueryExecutionIds=newest)["QueryExecutions"]]
    assert texts.count("SELECT 'lost'") == 1
    assert [call["answer"] for call in plain.athena.calls("StartQueryExecution")] == ["dropped", "ok"]


@pytest.mark.parametrize("fault, reason, category, retryable", [
    ("s3_denied", "Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; ", 2, False),
    ("output_denied", f"Access denied when writing output to url: s3://{RESULTS}/out/ ", 2, False),
    ("exhausted", "Query exhausted resources at this scale factor", 1, True),
    ("internal", "GENERIC_INTERNAL_ERROR: ", 1, True),
])
def test_a_query_fails(plain: Stack, fault: str, reason: str, category: int, retryable: bool) -> None:
    plain.athena.fault(fault)
    status = plain.run("SELECT 1")["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"].startswith(reason)
    assert (status["AthenaError"]["ErrorCategory"], status["AthenaError"]["Retryable"]) == (category, retryable)
    assert plain.run("SELECT 1")["Status"]["State"] == "SUCCEEDED"


@pytest.mark.parametrize("fault, state", [("slow", "RUNNING"), ("queued", "QUEUED")])
def test_a_query_that_takes_its_time_can_be_stopped(plain: Stack, fault: str, state: str) -> None:
    plain.athena.fault(fault, seconds=600)
    query = plain.start("SELECT 1")
    while plain.api.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"] != state:
        time.sleep(0.02)
    with pytest.raises(ClientError, match=f"Query has not yet finished. Current state: {state}"):
        plain.api.get_query_results(QueryExecutionId=query)
    plain.api.stop_query_execution(QueryExecutionId=query)
    assert plain.ended(query)["Status"]["State"] == "CANCELLED"


def test_the_limit_of_a_workgroup_cancels(stack: Stack) -> None:
    name = f"limited-{uuid.uuid4()}"
    stack.api.create_work_group(Name=name, Configuration={"BytesScannedCutoffPerQuery": 10_000_000})
    sql = f"UNLOAD (SELECT 1 AS a) TO '{stack.target()}' WITH (format = 'PARQUET')"
    stack.athena.fault("scanned", bytes=10_000_001, workgroup=name)
    execution = stack.run(sql, WorkGroup=name)
    assert execution["Status"]["State"] == "CANCELLED"
    assert execution["Status"]["StateChangeReason"] == "Bytes scanned limit was exceeded"
    assert execution["Statistics"]["DataScannedInBytes"] == 10_000_001
    stack.athena.fault("scanned", bytes=10_000_000, workgroup=name)
    assert stack.run("SELECT 1", WorkGroup=name)["Status"]["State"] == "SUCCEEDED"
    stack.api.delete_work_group(WorkGroup=name)


def test_the_least_limit_is_ten_million_bytes(plain: Stack) -> None:
    status, body = plain.bare("CreateWorkGroup", {"Name": "tiny", "Configuration": {
        "BytesScannedCutoffPerQuery": 9_999_999}})
    assert (status, body["__type"]) == (400, "InvalidRequestException")


@pytest.mark.parametrize("asked", [{"fault": "nonsense"}, {"fault": "slow", "second": 1}])
def test_a_fault_that_is_none(plain: Stack, asked: dict[str, object]) -> None:
    with pytest.raises(HTTPError):
        plain.athena.fault(**asked)  # type: ignore[arg-type]


def test_no_client_of_these_tests_reaches_out(plain: Stack) -> None:
    with guard.applied(plain.aws):
        assert boto3.client("athena").meta.endpoint_url == plain.athena.endpoint
