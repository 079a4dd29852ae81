"""How a run is fired once more: a schedule of its own that fires once and is gone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from botocore.exceptions import ClientError

from recon.schedule.job.firing import Firing
from recon.store import aws
from recon.store.s3 import client

_SOON = timedelta(seconds=90)
"""A schedule of a time that is over, or nearly, is refused or never fires."""


class Again(Protocol):
    """Who fires a run once more."""

    def fire(self, firing: Firing, *, at: datetime, now: datetime) -> None:
        """`firing` comes at `at`, or soon where that is over. Asked twice, it still comes once."""
        ...


@dataclass(frozen=True, slots=True)
class OneShot:
    """Schedules of EventBridge Scheduler in a group: `target` is the function, `role` what the scheduler takes on to
    call it, `dead_letters` the queue for what cannot be delivered (empty for none)."""

    group: str
    target: str
    role: str
    dead_letters: str = ""

    def fire(self, firing: Firing, *, at: datetime, now: datetime) -> None:
        """See Again. Raises AwsRefused."""
        name = f"{firing.name.replace('/', '-')}-{firing.attempt}"
        at = max(at, now + _SOON)
        target: dict[str, Any] = {
            "Arn": self.target, "RoleArn": self.role, "Input": json.dumps(firing.event()),
            "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10},
        }
        if self.dead_letters:
            target["DeadLetterConfig"] = {"Arn": self.dead_letters}
        what = f"schedule {self.group}/{name}"
        scheduler = client("scheduler", what)
        with aws.plainly(what):
            try:
                scheduler.create_schedule(
                    Name=name, GroupName=self.group, ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
                    ScheduleExpressionTimezone="UTC", FlexibleTimeWindow={"Mode": "OFF"},
                    ActionAfterCompletion="DELETE", Target=target,
                    Description=f"{firing.window} as of {firing.parameters()['as_of']}, attempt {firing.attempt}")
            except ClientError as error:
                # It is there already: a firing that came twice asks twice.
                if error.response["Error"]["Code"] != "ConflictException":
                    raise


@dataclass(slots=True)
class ByHand:
    """Nobody fires again: what is asked for is kept, for whoever started the run to be told."""

    asked: Firing | None = None
    at: datetime | None = None

    def fire(self, firing: Firing, *, at: datetime, now: datetime) -> None:
        """See Again."""
        self.asked, self.at = firing, max(at, now)
