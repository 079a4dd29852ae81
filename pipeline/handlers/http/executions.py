"""Starts the saga's state machine, once, and waits for its end as long as there is time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from pipeline.errors import Misused, Retryable
from pipeline.telemetry.trace import current, trace_headers

WAIT_S = 24
"""The function's 27 s less what comes before and after."""
LEAST_WAIT_S = 4
RESERVE_S = 1.5
CONNECT_S = 1.0

_NOT_STARTED = frozenset({"ThrottlingException", "TooManyRequestsException", "ExecutionLimitExceeded",
                          "ServiceQuotaExceededException", "ExpiredTokenException", "RequestExpired"})


class Executions(Protocol):
    """The saga's machine as the edge sees it."""

    def run(self, name: str, payload: Mapping[str, object], *, trace_id: str) -> Mapping[str, object] | None:
        """The machine's output; None where it goes on without us, or ended without saying how.

        Raises Retryable where it was certainly not started, Misused where it cannot be.
        """
        ...


def synchronous_config(wait_s: int) -> Config:
    """Asks once: each further attempt would start one more saga."""
    return Config(connect_timeout=CONNECT_S, read_timeout=wait_s, retries={"total_max_attempts": 1})


@cache
def synchronous_client(wait_s: int) -> Any:
    """The client for a wait of so many seconds."""
    return boto3.client("stepfunctions", config=synchronous_config(wait_s))


class StepFunctions:
    """`remaining_s` is what this invocation has left; `client` gives a client for a wait of whole seconds."""

    def __init__(self, machine_arn: str, *, remaining_s: Callable[[], float],
                 client: Callable[[int], Any] = synchronous_client) -> None:
        self._machine_arn, self._remaining_s, self._client = machine_arn, remaining_s, client

    def run(self, name: str, payload: Mapping[str, object], *, trace_id: str) -> Mapping[str, object] | None:
        """See the port."""
        wait_s = min(WAIT_S, int(self._remaining_s() - RESERVE_S - CONNECT_S))
        if wait_s < LEAST_WAIT_S:
            raise Retryable("too little time is left to begin")
        trace = trace_headers(trace_id, current())["X-Amzn-Trace-Id"]
        try:
            answer = self._client(wait_s).start_sync_execution(
                stateMachineArn=self._machine_arn, name=name, input=json.dumps(payload, separators=(",", ":")),
                traceHeader=trace)
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            raise Retryable(f"the state machine could not be reached: {type(error).__name__}") from error
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _NOT_STARTED:
                raise Retryable(f"the state machine is busy: {code}") from error
            if error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500:
                return None
            raise Misused(f"the state machine refused to start: {code}") from error
        except BotoCoreError:
            # A timeout or a broken connection: it may run.
            return None
        # HTTP 200 says only that it ended.
        if answer["status"] != "SUCCEEDED":
            return None
        found = json.loads(answer["output"])
        return found if isinstance(found, dict) else None
