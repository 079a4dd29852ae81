"""What a Firehose stream asks before it converts: each record's partition, and whether all its lines will convert."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from pipeline.errors import Misused
from pipeline.lake.firehose import Log
from pipeline.lake.kinds import TABLES
from pipeline.lake.lines import Unfit, record_partition
from pipeline.schemas.columns import Table

FAILED = "ProcessingFailed"


@dataclass(frozen=True, slots=True)
class Told:
    """records: what Firehose is answered; of `table` so many records were refused."""

    table: str
    records: list[dict[str, Any]]
    refused: int


def transform(event: Mapping[str, Any], *, refused_as: str = FAILED, log: Log) -> Told:
    """Answers a transform event. The data goes on as it came.

    A record that a line spoils is answered with `refused_as` and without partition keys, either of which takes it to
    the error prefix. Raises Misused where the stream is none of a lake table.
    """
    table = _table(str(event["deliveryStreamArn"]))
    records = [_answer(record, table, refused_as, log) for record in event["records"]]
    return Told(table.name, records, sum("metadata" not in record for record in records))


def _answer(record: Mapping[str, Any], table: Table, refused_as: str, log: Log) -> dict[str, Any]:
    answer = {"recordId": record["recordId"], "data": record["data"]}
    try:
        place, _ = record_partition(_bytes(record["data"]), table, _day(record["approximateArrivalTimestamp"]))
    except Unfit as unfit:
        log("lake_record_refused", kind=table.name, field=unfit.field, reason=unfit.reason)
        return answer | {"result": refused_as}
    return answer | {"result": "Ok", "metadata": {"partitionKeys": place._asdict()}}


def _table(stream_arn: str) -> Table:
    name = stream_arn.rpartition("/")[2]
    for table in TABLES.values():
        if name == table.name or name.endswith(f"-{table.name}"):
            return table
    raise Misused(f"the stream {name} is named after no lake table; there are {', '.join(TABLES)}")


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        raise Unfit("", "not base64") from None


def _day(arrived_ms: int) -> date:
    return datetime.fromtimestamp(arrived_ms / 1000, UTC).date()
