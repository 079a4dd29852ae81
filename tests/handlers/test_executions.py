"""The machine is started once, whatever the wire does, and its status decides, not HTTP's."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config

from pipeline.errors import Misused, Retryable
from pipeline.handlers.http import executions
from pipeline.handlers.http.executions import StepFunctions
from tests.loopback import Reply, json_service

ARN = "arn:aws:states:eu-west-1:123456789012:stateMachine:Saga"


@dataclass
class Service:
    """Step Functions' endpoint: answers as told, and keeps what it was sent."""

    address: str = ""
    status: int = 200
    answer: dict[str, Any] = field(default_factory=dict)
    hangs: bool = False
    sent: list[dict[str, Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def machine(self, remaining_s: float = 27) -> StepFunctions:
        """The machine behind this endpoint, with the settings that the real client has."""
        return StepFunctions(ARN, remaining_s=lambda: remaining_s, client=self._client)

    def _client(self, wait_s: int) -> Any:
        config: Config = executions.synchronous_config(wait_s)
        config = config.merge(Config(inject_host_prefix=False, **({"read_timeout": 0.5} if self.hangs else {})))
        session = boto3.session.Session("key", "secret", region_name="eu-west-1")
        return session.client("stepfunctions", endpoint_url=self.address, config=config)


@pytest.fixture
def service() -> Iterator[Service]:
    """The endpoint on loopback."""
    here = Service()

    def answer(_: str | None, body: dict[str, Any]) -> Reply | None:
        here.sent.append(body)
        if here.hangs:
            here.over.wait(5)
            return None
        return here.status, here.answer

    with json_service(answer) as here.address:
        yield here
        here.over.set()


def ended(status: str, output: object) -> dict[str, Any]:
    """An answer of StartSyncExecution."""
    return {"executionArn": ARN, "startDate": 1, "stopDate": 2, "status": status, "output": json.dumps(output)}


def test_a_machine_that_succeeds_gives_its_output(service: Service) -> None:
    service.answer = ended("SUCCEEDED", {"outcome": "ok", "payment": None})
    found = service.machine().run("pay-1", {"payment_id": "1"}, trace_id="1-67891233-abcdef012345678912345678")
    assert found == {"outcome": "ok", "payment": None}
    (sent,) = service.sent
    assert (sent["stateMachineArn"], sent["name"], json.loads(sent["input"])) == (ARN, "pay-1", {"payment_id": "1"})
    assert sent["traceHeader"] == "Root=1-67891233-abcdef012345678912345678;Sampled=1"


@pytest.mark.parametrize("answer", [ended("FAILED", None), ended("TIMED_OUT", None), ended("SUCCEEDED", "text")])
def test_http_200_is_no_success(service: Service, answer: dict[str, Any]) -> None:
    service.answer = answer
    assert service.machine().run("pay-1", {}, trace_id="r") is None


@pytest.mark.property(36)
def test_silence_is_asked_once_and_may_have_begun(service: Service) -> None:
    service.hangs = True
    assert service.machine().run("pay-1", {}, trace_id="r") is None
    assert len(service.sent) == 1


@pytest.mark.property(36)
def test_a_fault_of_theirs_is_asked_once_and_may_have_begun(service: Service) -> None:
    service.status, service.answer = 500, {"__type": "InternalServerError"}
    assert service.machine().run("pay-1", {}, trace_id="r") is None
    assert len(service.sent) == 1


@pytest.mark.parametrize("code, error", [("ThrottlingException", Retryable), ("ExecutionLimitExceeded", Retryable),
                                         ("StateMachineDoesNotExist", Misused), ("AccessDeniedException", Misused)])
def test_a_refusal_has_begun_nothing(service: Service, code: str, error: type[Exception]) -> None:
    service.status, service.answer = 400, {"__type": code, "message": "no"}
    with pytest.raises(error, match=code):
        service.machine().run("pay-1", {}, trace_id="r")
    assert len(service.sent) == 1


def test_what_cannot_be_reached_has_begun_nothing() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        nobody = Service(address=f"http://127.0.0.1:{unheard.getsockname()[1]}")
        with pytest.raises(Retryable, match="could not be reached"):
            nobody.machine().run("pay-1", {}, trace_id="r")


@pytest.mark.property(37)
@pytest.mark.parametrize("remaining_s, wait_s", [(27.0, 24), (26.6, 24), (10.0, 7)])
def test_the_wait_fits_what_is_left(remaining_s: float, wait_s: int) -> None:
    waits: list[int] = []

    def client(wait: int) -> Any:
        waits.append(wait)
        raise Misused("far enough")

    with pytest.raises(Misused):
        StepFunctions(ARN, remaining_s=lambda: remaining_s, client=client).run("pay-1", {}, trace_id="r")
    assert waits == [wait_s]


def test_too_little_time_begins_nothing(service: Service) -> None:
    with pytest.raises(Retryable, match="too little time"):
        service.machine(remaining_s=6.4).run("pay-1", {}, trace_id="r")
    assert not service.sent
