"""Scheduled reconciliation alone on a stack: infra/schedule.yaml over a lake that lies there, and what fires it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.local.deploy import SCHEDULE, TEMPLATES, stood_up
from infra.local.errors import LocalRefused
from infra.local.guard import client
from infra.local.stack import Stack

WINDOWS = {"hourly": "hourly", "T+7": "T7", "T+14": "T14", "T+30": "T30"}
"""Each window with the end of its schedule's name."""


@dataclass(frozen=True)
class Scheduled:
    """Deployed schedules: what the stack put out, by name, and the environment of who uses it."""

    name: str
    outputs: Mapping[str, str]
    aws: Mapping[str, str]
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """A client of the stack; the same each time, since making one takes longer than a call."""
        if service not in self._clients:
            self._clients[service] = client(service, self.aws)
        return self._clients[service]

    @property
    def runs(self) -> str:
        """Address of the runs, as RECON_RUNS has it."""
        return self.outputs["ReconRuns"]

    def schedule(self, window: str) -> dict[str, Any]:
        """A window's schedule as it is deployed."""
        found: dict[str, Any] = self.client("scheduler").get_schedule(
            Name=f"{self.name}-{WINDOWS[window]}", GroupName=self.outputs["ReconSchedules"])
        return found

    def once(self, window: str, at: datetime, *, scheduled_at: datetime | None = None, name: str = "") -> None:
        """Lets a window's own target, with its role and input, be fired once by the Scheduler at `at`.

        `scheduled_at` is what the input then says instead of that time (a lake's days are seldom today).
        """
        target = dict(self.schedule(window)["Target"])
        if scheduled_at:
            said = f"{scheduled_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            target["Input"] = target["Input"].replace("<aws.scheduler.scheduled-time>", said)
        self.client("scheduler").create_schedule(
            Name=name or f"once-{WINDOWS[window]}-{at:%Y%m%d%H%M%S}", GroupName=self.outputs["ReconSchedules"],
            ScheduleExpression=f"at({at.astimezone(UTC):%Y-%m-%dT%H:%M:%S})", ScheduleExpressionTimezone="UTC",
            FlexibleTimeWindow={"Mode": "OFF"}, ActionAfterCompletion="DELETE", Target=target)

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """What the function answers to an event. Raises LocalRefused with what it raises."""
        said = self.client("lambda").invoke(FunctionName=self.outputs["ReconRunName"],
                                                 Payload=json.dumps(dict(event)))
        answer: dict[str, Any] = json.loads(said["Payload"].read() or b"null") or {}
        if said.get("FunctionError"):
            raise LocalRefused(str(answer.get("errorMessage", answer)))
        return answer


def deployed(stack: Stack, *, lake: str, parameters: Mapping[str, str] | None = None, name: str = TEMPLATES[SCHEDULE],
             tell: Callable[[str], None] = lambda _: None) -> Scheduled:
    """Deploys infra/schedule.yaml as `name` over the lake at s3://bucket/prefix, which Glue must know.

    `parameters` replace those of the stack. Nothing fires unless they say ReconScheduleState ENABLED. Raises
    LocalRefused.
    """
    bucket, _, prefix = lake.removeprefix("s3://").partition("/")
    prefix = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
    known = {**stack.recon_parameters(), "LakeBucketName": bucket, "LakePrefix": prefix, **(parameters or {})}
    aws = stack.environment()
    return Scheduled(name, stood_up(aws, SCHEDULE, name, known, tell=tell), aws)
