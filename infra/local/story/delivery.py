"""From the ledger to the lake's bucket: the relay as by its schedule, control totals, waiting until all is there."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from infra.local.deploy import STACK
from infra.local.guard import client
from infra.local.story import lake_objects
from infra.local.story.errors import StageFailed
from infra.local.story.facts import Entry, rfc
from infra.local.story.lake_objects import Object

_TICK_S = 8.0
"""Between two relays while payments are made; by its schedule it comes once a minute."""
_PATIENCE_S = 60.0


class Delivery:
    """The lake's side of a running stack. `aws` is its environment, `bucket` the lake's."""

    def __init__(self, aws: Mapping[str, str], bucket: str) -> None:
        self._aws, self.bucket = dict(aws), bucket
        self.s3 = client("s3", self._aws)

    def relay(self) -> None:
        """Sends what waits in the outbox. Raises StageFailed where that cannot be done."""
        deadline = time.monotonic() + _PATIENCE_S
        while (said := self._invoke("Relay", {})).get("outcome") != "ok":
            self._again(said, deadline, "the relay")

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
        if said.get("outcome") not in ("retryable", "waiting", "more") or time.monotonic() > deadline:
            raise StageFailed(f"{who} did not do its work: {json.dumps(said)[:400]}")
        time.sleep(0.5 if said["outcome"] != "more" else 0.0)

    def _invoke(self, name: str, event: Mapping[str, Any]) -> dict[str, Any]:
        # A client is not shared between threads that begin at once.
        said = client("lambda", self._aws).invoke(FunctionName=f"{STACK}-{name}", Payload=json.dumps(dict(event)))
        found: dict[str, Any] = json.loads(said["Payload"].read() or b"null") or {}
        return found


class Relaying:
    """For the length of a block the relay runs again and again, as by its schedule."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery, self._over = delivery, threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._failed: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        if self._failed and kind is None:
            raise self._failed

    def _work(self) -> None:
        while not self._over.wait(_TICK_S):
            try:
                self._delivery.relay()
            except Exception as error:
                self._failed = error
                return
