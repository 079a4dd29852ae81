"""Firehose is told the partition of each record, and which records it must not convert."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline.errors import Misused
from pipeline.handlers import lake_transform
from pipeline.lake.kinds import TABLES
from pipeline.lake.packing import pack
from pipeline.lake.transform import transform
from pipeline.schemas.columns import Table
from pipeline.schemas.ledger import LEDGER_CONTROL, LEDGER_ENTRIES, PAYMENT_STATES
from tests.firehose.fake import nothing
from tests.firehose.rows import NOON, line, row

ARRIVED = int(NOON.timestamp() * 1000)


def event(table: Table | str, *records: bytes, at: datetime = NOON) -> dict[str, Any]:
    """As Firehose sends it."""
    name = table if isinstance(table, str) else f"payments-lake-{table.name}"
    return {"invocationId": "1", "deliveryStreamArn": f"arn:aws:firehose:us-east-1:1:deliverystream/{name}",
            "region": "us-east-1", "records": [
                {"recordId": str(number), "approximateArrivalTimestamp": int(at.timestamp() * 1000),
                 "data": base64.b64encode(data).decode()} for number, data in enumerate(records)]}


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: str(table.name))
def test_records_as_they_are_packed_pass_with_their_partition_and_unchanged(table: Table) -> None:
    rows = [row(table, number, NOON + timedelta(hours=number % 3)) for number in range(30)]
    packed = pack(rows, table).records
    told = transform(event(table, *(record.data for record in packed)), log=nothing)
    assert (told.table, told.refused) == (table.name, 0)
    for number, (answer, record) in enumerate(zip(told.records, packed, strict=True)):
        assert answer == {"recordId": str(number), "result": "Ok", "data": base64.b64encode(record.data).decode(),
                          "metadata": {"partitionKeys": {"dt": record.partition.dt, "hr": record.partition.hr}}}


@pytest.mark.property(73)
def test_one_bad_line_refuses_its_record_alone_and_shows_nothing_of_it() -> None:
    logged: list[dict[str, Any]] = []
    good, bad = line(LEDGER_ENTRIES), line(LEDGER_ENTRIES, amount_minor="4111111111111111")
    asked = event(LEDGER_ENTRIES, f"{good}\n".encode(), f"{good}\n{bad}\n".encode(), f"{good}\n".encode())
    told = transform(asked, log=lambda event, **fields: logged.append({"event": event, **fields}))
    assert [answer["result"] for answer in told.records] == ["Ok", "ProcessingFailed", "Ok"]
    assert told.records[1] == {"recordId": "1", "result": "ProcessingFailed", "data": asked["records"][1]["data"]}
    assert told.refused == 1
    assert logged == [{"event": "lake_record_refused", "kind": "ledger_entries", "field": "amount_minor",
                       "reason": "no whole number"}]


def test_a_record_is_judged_by_the_day_on_which_it_arrived() -> None:
    ahead = line(PAYMENT_STATES, NOON + timedelta(days=3)).encode()
    assert transform(event(PAYMENT_STATES, ahead), log=nothing).refused == 1
    assert transform(event(PAYMENT_STATES, ahead, at=NOON + timedelta(days=1)), log=nothing).refused == 0


def test_data_that_is_not_base64_is_refused() -> None:
    asked = event(LEDGER_CONTROL, b"{}")
    asked["records"][0]["data"] = "é"
    assert transform(asked, log=nothing).refused == 1


def test_a_stream_of_no_table_is_a_mistake() -> None:
    with pytest.raises(Misused, match="named after no lake table"):
        transform(event("payments-lake-entries"), log=nothing)


@pytest.mark.property(73)
def test_the_function_tells_and_counts_what_it_refused(monkeypatch: pytest.MonkeyPatch,
                                                       capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REFUSED_AS", "Ok")
    answer = lake_transform.handler(event(LEDGER_ENTRIES, b"{}", b"{}", line(LEDGER_ENTRIES).encode()), None)
    assert [(one["result"], "metadata" in one) for one in answer["records"]] == [
        ("Ok", False), ("Ok", False), ("Ok", True)]  # fmt: skip
    lines = [json.loads(told) for told in capsys.readouterr().out.splitlines()]
    counted = [told for told in lines if "LakeRecordsRefused" in told]
    assert [(told["LakeRecordsRefused"], told["table"]) for told in counted] == [([2.0], "ledger_entries")]
    assert lines[-1] == {"event": "lake_transform", "kind": "ledger_entries", "count": 3, "failed": 2}
