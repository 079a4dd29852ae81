"""What the emulator's Scheduler fires with: the attributes of EventBridge Scheduler, filled in as on AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from infra.local.aws_server import filled
from infra.local.deploy import SCHEDULE, read

FIRED = datetime(2026, 3, 31, 6, 20, 7, 250_000, tzinfo=UTC)
ARN = "arn:aws:scheduler:us-east-1:000000000000:schedule/group/name"


@pytest.mark.parametrize("expression, scheduled", [
    ("cron(20 * * * ? *)", "2026-03-31T06:20:00Z"),
    ("rate(1 minute)", "2026-03-31T06:20:00Z"),
    ("at(2026-03-31T06:19:58)", "2026-03-31T06:19:58Z"),
])
def test_the_scheduled_time_is_the_schedules_own_and_not_the_clocks(expression: str, scheduled: str) -> None:
    schedule = {"ScheduleExpression": expression, "Arn": ARN}
    assert filled('{"scheduled_at": "<aws.scheduler.scheduled-time>"}', schedule, FIRED) == json.dumps(
        {"scheduled_at": scheduled})


def test_the_other_attributes_are_filled_in_and_anything_else_stays() -> None:
    said = filled("<aws.scheduler.schedule-arn> <aws.scheduler.attempt-number> <aws.scheduler.execution-id> "
                  "<aws.scheduler.other> <b>", {"ScheduleExpression": "rate(1 hour)", "Arn": ARN}, FIRED).split()
    assert (said[0], said[1], said[3:]) == (ARN, "1", ["<aws.scheduler.other>", "<b>"])
    assert len(said[2]) == 36


def test_every_schedule_of_the_template_is_filled_in_whole() -> None:
    for resource in read(SCHEDULE)["Resources"].values():
        if resource["Type"] == "AWS::Scheduler::Schedule":
            event = json.loads(filled(resource["Properties"]["Target"]["Input"], {}, FIRED))
            assert event["scheduled_at"] == "2026-03-31T06:20:00Z"
            assert "<" not in json.dumps(event)
