"""Sends rows to a Firehose stream: what a call did not take is sent again alone, a few times, then left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.lake.kinds import KINDS
from pipeline.lake.packing import Record, Row, batches, pack
from pipeline.schemas.columns import Table

Send = Callable[[Sequence[Row]], frozenset[str]]
"""Sends rows of one kind and returns the outbox_ids of those that were accepted."""


class Log(Protocol):
    """One line."""

    def __call__(self, event: str, **fields: object) -> None:
        """Writes it."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long one lot of rows is tried; seconds. Waits double up to `longest_s`, of which a random part
    is waited; no attempt begins after `budget_s`."""

    attempts: int = 5
    first_s: float = 0.1
    longest_s: float = 2.0
    budget_s: float = 8.0


@dataclass(frozen=True, slots=True)
class Timing:
    """The machine's: a monotonic clock, a sleep, and a number in [0, 1)."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]


class Stream:
    """One Firehose stream, which takes lines of one table."""

    def __init__(self, client: Any, name: str, table: Table, *, timing: Timing, log: Log,
                 patience: Patience = Patience()) -> None:
        """`client`: boto3's firehose, best without retries of its own."""
        self._client = client
        self._name = name
        self.table = table
        self._timing = timing
        self._log = log
        self._patience = patience

    def send(self, rows: Sequence[Row]) -> frozenset[str]:
        """Packs and sends rows of the table's kind; never raises.

        Returns the outbox_ids of rows whose record was accepted. One of the others may have arrived all the same, where
        the answer was lost.
        """
        packed = pack(rows, self.table)
        if packed.too_large:
            self._log("lake_row_too_large", kind=self.table.name, outbox_id=packed.too_large[0],
                      count=len(packed.too_large))
        return frozenset(outbox_id for record in self.put(packed.records) for outbox_id in record.ids)

    def put(self, records: Sequence[Record]) -> list[Record]:
        """Sends records and returns those that were accepted; never raises."""
        accepted: list[Record] = []
        until = self._timing.monotonic() + self._patience.budget_s
        for batch in batches(records):
            taken = self._put(batch, until)
            accepted += taken
            if len(taken) < len(batch):
                # What takes a batch not even after some waiting takes no other one either.
                break
        return accepted

    def _put(self, batch: list[Record], until: float) -> list[Record]:
        accepted: list[Record] = []
        waiting, failure = batch, ""
        for attempt in range(self._patience.attempts):
            if attempt:
                longest = min(self._patience.longest_s, self._patience.first_s * 2 ** (attempt - 1))
                self._timing.sleep(longest * self._timing.random())
            if self._timing.monotonic() >= until:
                break
            taken, waiting, failure = self._call(waiting, failure)
            accepted += taken
            if not waiting:
                return accepted
        self._log("lake_records_left", kind=self.table.name, count=len(waiting), code=failure or "out of time")
        return accepted

    def _call(self, batch: list[Record], failure: str) -> tuple[list[Record], list[Record], str]:
        """What one call took, what it did not take, and a code of why."""
        try:
            answer = self._client.put_record_batch(
                DeliveryStreamName=self._name, Records=[{"Data": record.data} for record in batch])
            told = answer["RequestResponses"]
        except Exception as error:
            return [], batch, _code(error)
        if len(told) != len(batch):
            return [], batch, "answers do not match records"
        taken = [record for record, one in zip(batch, told, strict=True) if not one.get("ErrorCode")]
        left = [record for record, one in zip(batch, told, strict=True) if one.get("ErrorCode")]
        return taken, left, next((str(one["ErrorCode"]) for one in told if one.get("ErrorCode")), failure)


def routes(client: Any, streams: Mapping[str, str], *, timing: Timing, log: Log) -> dict[str, Send]:
    """A way for each kind of row whose table has a stream in `streams` (table to stream)."""
    return {kind: Stream(client, streams[table.name], table, timing=timing, log=log).send
            for kind, table in KINDS.items() if table.name in streams}


def _code(error: Exception) -> str:
    answer = getattr(error, "response", None)
    told = answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None
    return str(told or type(error).__name__)
