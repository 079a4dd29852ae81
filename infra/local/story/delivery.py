"""From the ledger to the lake's bucket: the relay as by its schedule, control totals, waiting until all is there."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import count
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.deploy import STACK
from infra.local.guard import client
from infra.local.story import lake_objects
from infra.local.story.errors import StageFailed
from infra.local.story.facts import Entry, rfc
from infra.local.story.lake_objects import Object

_TICK_S = 8.0
"""Between two relays while payments are made; by its schedule it comes once a minute, as recovery does."""
_RECOVERY_EVERY = 2
"""Recovery comes with every so many relays."""
_PATIENCE_S = 60.0


class Delivery:
    """The lake's side of a running stack. `aws` is its environment, `bucket` the lake's."""

    def __init__(self, aws: Mapping[str, str], bucket: str) -> None:
        self.bucket = bucket
        # Made here: to make one, the environment of the whole process changes for a moment.
        self.s3, self._lambda = client("s3", aws), client("lambda", aws)

    def relay(self) -> None:
        """Sends what waits in the outbox. Raises StageFailed where that cannot be done."""
        deadline = time.monotonic() + _PATIENCE_S
        while (said := self._invoke("Relay", {})).get("outcome") != "ok":
            self._again(said, deadline, "the relay")

    def tick(self, number: int) -> None:
        """What comes by schedule: the relay, and every other time recovery. Whether it succeeds is seen by the next."""
        self._invoke("Relay", {})
        if number % _RECOVERY_EVERY == 0:
            self._invoke("Recovery", {})

    def control(self, until: datetime) -> datetime:
        """Counts the ledger up to `until`, sends the totals, and returns how far it is counted."""
        deadline = time.monotonic() + _PATIENCE_S
        while (said := self._invoke("LedgerControl", {"until": rfc(until)})).get("outcome") != "ok":
            self._again(said, deadline, "the ledger's control")
        self.relay()
        return datetime.fromisoformat(said["covers_until"])

    def arrived(self, entries: Sequence[Entry]) -> list[Object]:
        """All objects once every entry of the ledger is in one. Raises StageFailed where some never come."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            objects = lake_objects.read(self.s3, self.bucket)
            lost = lake_objects.missing(objects, entries)
            if not lost:
                return objects
            if time.monotonic() > deadline:
                raise StageFailed(f"{len(lost)} of {len(entries)} entries of the ledger did not reach the lake, the "
                                  f"first is {lost[0].entry_id}")
            self.relay()
            time.sleep(0.5)

    def counted(self, hours: Sequence[datetime]) -> None:
        """Waits until the totals of these hours have come."""
        deadline = time.monotonic() + _PATIENCE_S
        for hour in hours:
            prefix = f"ledger_control/dt={hour:%Y-%m-%d}/hr={hour:%H}/"
            while not self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("KeyCount"):
                if time.monotonic() > deadline:
                    raise StageFailed(f"no control totals of {rfc(hour)} have reached the lake")
                time.sleep(0.3)

    def _again(self, said: Mapping[str, Any], deadline: float, who: str) -> None:
        # One that a busy machine has cut off is asked again, as by its schedule.
        if said.get("outcome") == "misused" or time.monotonic() > deadline:
            raise StageFailed(f"{who} did not do its work: {json.dumps(said)[:400]}")
        time.sleep(0.0 if said.get("outcome") == "more" else 0.5)

    def _invoke(self, name: str, event: Mapping[str, Any]) -> dict[str, Any]:
        said = self._lambda.invoke(FunctionName=f"{STACK}-{name}", Payload=json.dumps(dict(event)))
        found: dict[str, Any] = json.loads(said["Payload"].read() or b"null") or {}
        return found


class Scheduled:
    """For the length of a block relay and recovery run again and again, as by their schedules."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery, self._over = delivery, threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        ticks = count(1)
        while not self._over.wait(_TICK_S):
            # What did not get through is still there for the next.
            with suppress(BotoCoreError, ClientError):
                self._delivery.tick(next(ticks))
