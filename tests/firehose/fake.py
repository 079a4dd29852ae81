"""Firehose without AWS: keeps what it accepts, counts, refuses what the service refuses, and fails as it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from pipeline.lake.firehose import Sending, Stream, Timing
from pipeline.lake.kinds import TABLES
from pipeline.schemas.columns import Table

RECORDS, RECORD_BYTES, BATCH_BYTES = 500, 1_024_000, 4 * 1024 * 1024


def nothing(*_: object, **__: object) -> None:
    """Logs nowhere, and does not sleep."""


@dataclass
class FakeFirehose:
    """Streams by name with the records that they took, also those whose answer was `lost`.

    `refuses(call, index)` says of each record of each call (both from 0) whether it fails alone; in the calls that
    `throttled` names the whole call fails before, in those of `lost` after everything was accepted.
    """

    streams: dict[str, list[bytes]] = field(default_factory=dict)
    refuses: Callable[[int, int], bool] = lambda call, index: False
    throttled: Callable[[int], bool] = lambda call: False
    lost: Callable[[int], bool] = lambda call: False
    calls: int = 0

    @classmethod
    def of(cls, *names: str) -> FakeFirehose:
        """With these streams (none: one for each table)."""
        return cls({name: [] for name in names or TABLES})

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[dict[str, bytes]]) -> dict[str, Any]:
        """See boto3."""
        call, self.calls = self.calls, self.calls + 1
        taken = self.streams.get(DeliveryStreamName)
        if taken is None:
            raise _error("ResourceNotFoundException")
        sizes = [len(record["Data"]) for record in Records]
        if not 0 < len(sizes) <= RECORDS or max(sizes) > RECORD_BYTES or sum(sizes) > BATCH_BYTES:
            raise _error("InvalidArgumentException")
        if self.throttled(call):
            raise _error("ServiceUnavailableException")
        answers: list[dict[str, str]] = []
        for index, record in enumerate(Records):
            if self.refuses(call, index):
                answers.append({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."})
            else:
                taken.append(bytes(record["Data"]))
                answers.append({"RecordId": f"{call}-{index}"})
        if self.lost(call):
            raise ConnectionError
        return {"FailedPutCount": sum("ErrorCode" in one for one in answers), "RequestResponses": answers}

    def lines(self, stream: str) -> list[str]:
        """All lines that a stream took, in order."""
        return [line for record in self.streams[stream] for line in record.decode().split("\n")[:-1]]


class Ticking:
    """A clock that moves when somebody sleeps; `slept` says for how long each time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """No time passes outside."""
        self.slept.append(seconds)
        self.now += seconds

    def timing(self, random: float = 1.0) -> Timing:
        """For a stream."""
        return Timing(lambda: self.now, self.sleep, lambda: random)


def stream(client: Any, table: Table, *, name: str | None = None, ticking: Ticking | None = None,
           log: Callable[..., None] = nothing, **how: Any) -> Stream:
    """A stream, called as its table unless named; `how` as Sending has it."""
    return Stream(client, name or table.name, table, Sending((ticking or Ticking()).timing(), log, **how))


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "PutRecordBatch")
