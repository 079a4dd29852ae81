"""The emulator's process, whose Scheduler does what EventBridge Scheduler does: `python -m infra.local.aws_server`.

The emulator fires a target with its input as it stands, once, and forgets what fails. Here the input's attributes are
filled in, a function that says what becomes of its failures is called as Lambda calls it for a schedule (tried again,
then its destination), and what has no function any more goes to the schedule's dead-letter queue.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

_ATTRIBUTE = re.compile(r"<aws\.scheduler\.(scheduled-time|schedule-arn|execution-id|attempt-number)>")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")


def filled(text: str, schedule: Mapping[str, Any], fired_at: datetime) -> str:
    """A target's input with its attributes; the scheduled time is that of at(), else the minute that it fired in."""
    said = _AT.fullmatch(schedule.get("ScheduleExpression", ""))
    values = {
        "scheduled-time": f"{said[1]}Z" if said else f"{fired_at:%Y-%m-%dT%H:%M:00Z}",
        "schedule-arn": str(schedule.get("Arn", "")), "execution-id": str(uuid4()), "attempt-number": "1",
    }
    return _ATTRIBUTE.sub(lambda found: values[found[1]], text)


def install() -> None:
    """Puts this between the emulator's Scheduler and its targets."""
    from ministack.core.arn import parse_arn
    from ministack.services import eventbridge, lambda_svc

    plain = eventbridge._invoke_target

    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        if event.get("Source") != "aws.scheduler" or "Input" not in target:
            plain(target, event, rule, view)
            return
        given = filled(target["Input"], rule, datetime.fromtimestamp(event["Time"], UTC))
        spec = parse_arn(target["Arn"])
        function, config, _ = lambda_svc._get_func_record_for_ref(target["Arn"]) if spec.service == "lambda" else (
            {}, {}, "")
        if function is None and (queue := target.get("DeadLetterConfig", {}).get("Arn")):
            eventbridge._dispatch_to_sqs(parse_arn(queue), given, {})
        elif function and function.get("event_invoke_configs"):
            lambda_svc.invoke_async_with_retry(
                lambda_svc._execution_record_for_config(function, config), json.loads(given))
        else:
            plain({**target, "Input": given}, event, rule, view)

    eventbridge._invoke_target = invoke


if __name__ == "__main__":
    from ministack.app import main

    install()
    main()
