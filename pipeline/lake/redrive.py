"""Sends again, line by line, what Firehose could not deliver: what converts goes, the rest is kept with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from pipeline.lake.failed import ERRORS, Held, Unreadable, documents, held_key, lines_of, payloads, table_of
from pipeline.lake.firehose import Log, Stream
from pipeline.lake.lines import Unfit, line_partition, readable
from pipeline.times import Clock

LINES_AT_ONCE = 4_000


@dataclass(frozen=True, slots=True)
class Redriven:
    """objects: read; lines: in them; sent: of these, accepted again; held: kept aside with a reason; removed: objects
    that are done with; left: objects that stay, since not all their good lines were accepted or since they cannot be
    read; more: there are others for which there was no time."""

    objects: int = 0
    lines: int = 0
    sent: int = 0
    held: int = 0
    removed: int = 0
    left: int = 0
    more: bool = False

    def counts(self) -> dict[str, int | bool]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Line:
    """A good line as a stream takes it; its id counts within its lot."""

    body: str
    created_at: datetime
    outbox_id: str


class Redrive:
    """Over one bucket. Safe to run twice, at the same time too, and to kill: an object goes last, when its good lines
    were accepted and its others are kept; until then they are sent again, and readers know them by their ids."""

    def __init__(self, s3: Any, bucket: str, streams: Mapping[str, Stream], clock: Clock, log: Log) -> None:
        """`s3`: boto3's; `streams` by table."""
        self._s3 = s3
        self._bucket = bucket
        self._streams = streams
        self._clock = clock
        self._log = log

    def run(self, *, before: datetime, until: datetime, prefix: str = ERRORS) -> Redriven:
        """Works through the objects below `prefix` that were there before `before`, while it is not yet `until`.

        Whatever fails again meanwhile lands there anew, and is later than `before`. May raise what boto3 raises; what
        was done until then is done.
        """
        done = Redriven()
        # Listed to the end first: what is removed or added on the way does not move the pages.
        for key in list(self._keys(prefix, before)):
            if self._clock() >= until:
                return replace(done, more=True)
            done = self._object(key, done)
        return done

    def _keys(self, prefix: str, before: datetime) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            yield from (item["Key"] for item in page.get("Contents", ()) if item["LastModified"] < before)

    def _object(self, key: str, done: Redriven) -> Redriven:
        done = replace(done, objects=done.objects + 1)
        table = table_of(key)
        stream = None if table is None else self._streams.get(table.name)
        if table is None or stream is None:
            self._log("redrive_left", reason="no table's object")
            return replace(done, left=done.left + 1)
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
        except self._s3.exceptions.NoSuchKey:
            # Another run was faster.
            return done
        good: list[_Line] = []
        held: list[Held] = []
        whole = True
        try:
            for payload in payloads(body.iter_lines()):
                for line in lines_of(payload):
                    self._sort(key, line, good, held)
                    done = replace(done, lines=done.lines + 1)
                if len(good) >= LINES_AT_ONCE:
                    sent = len(stream.send(good))
                    whole, done, good = whole and sent == len(good), replace(done, sent=done.sent + sent), []
        except Unreadable:
            self._log("redrive_left", reason="no documents of Firehose", kind=table.name)
            whole = False
        sent = len(stream.send(good))
        whole, done = whole and sent == len(good), replace(done, sent=done.sent + sent)
        return self._closed(key, held, whole, done)

    def _closed(self, key: str, held: Sequence[Held], whole: bool, done: Redriven) -> Redriven:
        if not whole:
            return replace(done, left=done.left + 1)
        if held:
            self._s3.put_object(Bucket=self._bucket, Key=held_key(key), Body=documents(held))
        if not held or held_key(key) != key:
            self._s3.delete_object(Bucket=self._bucket, Key=key)
            done = replace(done, removed=done.removed + 1)
        return replace(done, held=done.held + len(held))

    def _sort(self, key: str, line: bytes, good: list[_Line], held: list[Held]) -> None:
        table = table_of(key)
        assert table is not None, "asked before"
        try:
            text = _text(line)
            place = line_partition(text, table)
            if not readable(place, self._clock().date()):
                raise Unfit("", "a day that no reader looks for")
        except Unfit as unfit:
            held.append(Held(line, unfit.field, unfit.reason, key))
        else:
            hour = datetime.fromisoformat(f"{place.dt}T{place.hr}:00:00+00:00")
            good.append(_Line(text, hour, str(len(good))))


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise Unfit("", "not UTF-8") from None
