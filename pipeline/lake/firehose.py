"""Sends rows to a Firehose stream: what a call did not take is sent again alone, a few times, then left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

from pipeline.lake.kinds import KINDS
from pipeline.lake.packing import LIMITS, Limits, Record, Row, batches, pack
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
    """How often and how long one call's records are tried; seconds. Waits double up to `longest_s`, of which a random
    part is waited; nothing is tried again after `budget_s`."""

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


@dataclass(frozen=True, slots=True)
class Sending:
    """How a stream is sent to: no call begins after `deadline`, of the timing's clock."""

    timing: Timing
    log: Log
    limits: Limits = LIMITS
    patience: Patience = Patience()
    deadline: float = inf


class Stream:
    """One Firehose stream, which takes lines of one table."""

    def __init__(self, client: Any, name: str, table: Table, sending: Sending) -> None:
        """`client`: boto3's firehose, best without retries of its own."""
        self._client = client
        self._name = name
        self._table = table
        self._how = sending

    def send(self, rows: Sequence[Row]) -> frozenset[str]:
        """Packs and sends rows of the table's kind; never raises.

        Returns the outbox_ids of rows whose record was accepted. One of the others may have arrived all the same, where
        the answer was lost.
        """
        packed = pack(rows, self._table, self._how.limits)
        if packed.too_large:
            self._how.log("lake_row_too_large", kind=self._table.name, outbox_id=packed.too_large[0],
                      count=len(packed.too_large))
        return frozenset(outbox_id for record in self._accepted(packed.records) for outbox_id in record.ids)

    def _accepted(self, records: Sequence[Record]) -> list[Record]:
        accepted: list[Record] = []
        for batch in batches(records, self._how.limits):
            taken = self._put(batch)
            accepted += taken
            if len(taken) < len(batch):
                # What takes a batch not even after some waiting takes no other one either.
                break
        return accepted

    def _put(self, batch: list[Record]) -> list[Record]:
        timing, patience = self._how.timing, self._how.patience
        until = timing.monotonic() + patience.budget_s
        accepted: list[Record] = []
        waiting, failure = batch, ""
        for attempt in range(patience.attempts):
            if attempt:
                longest = min(patience.longest_s, patience.first_s * 2 ** (attempt - 1))
                timing.sleep(longest * timing.random())
            if timing.monotonic() >= (min(until, self._how.deadline) if attempt else self._how.deadline):
                break
            taken, waiting, failure = self._call(waiting, failure)
            accepted += taken
            if not waiting:
                return accepted
        self._how.log("lake_records_left", kind=self._table.name, count=len(waiting), code=failure or "out of time")
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


def routes(client: Any, streams: Mapping[str, str], sending: Sending) -> dict[str, Send]:
    """A way for each kind of row whose table has a stream in `streams` (table to stream)."""
    return {kind: Stream(client, streams[table.name], table, sending).send
            for kind, table in KINDS.items() if table.name in streams}


def _code(error: Exception) -> str:
    answer = getattr(error, "response", None)
    told = answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None
    return str(told or type(error).__name__)
