"""Rows become records of one partition: none lost, none twice, no limit passed, every id with its line."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.lake.kinds import TABLES, partition, time_column
from pipeline.lake.lines import record_partition
from pipeline.lake.packing import LIMITS, Limits, Record, batches, pack
from pipeline.schemas.columns import Table
from pipeline.schemas.ledger import LEDGER_CONTROL, LEDGER_ENTRIES, PAYMENT_EVENTS
from tests.firehose.fake import BATCH_BYTES as THEIR_BATCH_BYTES
from tests.firehose.fake import RECORD_BYTES as THEIR_RECORD_BYTES
from tests.firehose.fake import RECORDS as THEIR_RECORDS
from tests.firehose.rows import NOON, Row, row, rows


@given(data=st.data(), table=st.sampled_from(sorted(TABLES.values(), key=lambda table: table.name)),
       limit=st.integers(200, 5_000))
def test_nothing_is_lost_or_doubled_and_every_line_is_where_its_id_is(data: st.DataObject, table: Table,
                                                                      limit: int) -> None:
    drawn = data.draw(rows(table))
    packed = pack(drawn, table, Limits(record_bytes=limit))
    told = [(outbox_id, line) for record in packed.records
            for outbox_id, line in zip(record.ids, record.data.decode().split("\n"), strict=False)]
    large = set(packed.too_large)
    assert Counter(told) == Counter((one.outbox_id, one.body) for one in drawn if one.outbox_id not in large)
    assert large == {one.outbox_id for one in drawn if len(one.body.encode()) + 1 > limit}
    for record in packed.records:
        assert record.data.endswith(b"\n")
        assert len(record.data) <= limit
        assert len(record.ids) == record.data.count(b"\n")
        assert record_partition(record.data, table, NOON.date()) == (record.partition, len(record.ids))


@given(drawn=rows(LEDGER_ENTRIES), limit=st.integers(1_000, 9_000))
def test_a_record_is_full_before_the_next_one_of_its_hour_begins(drawn: list[Row], limit: int) -> None:
    records = pack(drawn, LEDGER_ENTRIES, Limits(record_bytes=limit)).records
    open_records: dict[tuple[str, str], Record] = {}
    for record in records:
        before = open_records.get(record.partition)
        if before is not None:
            assert len(before.data) + len(record.data.partition(b"\n")[0]) + 1 > limit
        open_records[record.partition] = record


@given(sizes=st.lists(st.integers(1, 40), max_size=60), most=st.integers(1, 8), room=st.integers(40, 120))
def test_batches_hold_all_records_in_order_within_the_limits(sizes: list[int], most: int, room: int) -> None:
    records = [Record(partition("", "event_at", NOON), b"x" * size, (str(n),)) for n, size in enumerate(sizes)]
    made = list(batches(records, Limits(call_records=most, call_bytes=room)))
    assert [record for batch in made for record in batch] == records
    assert all(0 < len(batch) <= most and sum(len(r.data) for r in batch) <= room for batch in made)


def test_the_limits_are_below_those_of_the_service() -> None:
    assert 900_000 < LIMITS.record_bytes < THEIR_RECORD_BYTES
    assert LIMITS.call_records <= THEIR_RECORDS
    assert LIMITS.record_bytes <= LIMITS.call_bytes < THEIR_BATCH_BYTES


def test_a_full_size_record_holds_about_a_megabyte() -> None:
    packed = pack([row(LEDGER_ENTRIES, number) for number in range(5_000)], LEDGER_ENTRIES)
    assert len(packed.records) > 2
    assert all(len(record.data) > 0.99 * LIMITS.record_bytes for record in packed.records[:-1])


def test_a_line_of_several_lines_is_one() -> None:
    pretty = Row("1", "ledger_entry", json.dumps({"event_at": "x\n"}, indent=1).replace("\n", "\r\n"), NOON)
    record = pack([pretty], LEDGER_ENTRIES).records[0]
    assert record.data.count(b"\n") == 1
    assert b"\r" not in record.data
    assert json.loads(record.data) == {"event_at": "x\n"}


@pytest.mark.parametrize("table", [LEDGER_ENTRIES, LEDGER_CONTROL], ids=lambda table: str(table.name))
def test_a_line_belongs_to_the_hour_of_its_own_time(table: Table) -> None:
    late = NOON.replace(hour=23, minute=59)
    one = row(table, 1, late)
    assert pack([Row("1", one.kind, one.body, NOON)], table).records[0].partition == ("2026-03-14", "23")


@pytest.mark.parametrize("body", ["{}", "", '{"event_at":"soon"}', '{"event_at":5}', '{"text":"\\"event_at\\":\\"1"}'])
def test_a_line_without_a_time_belongs_to_the_hour_in_which_it_was_told(body: str) -> None:
    assert partition(body, "event_at", NOON) == ("2026-03-14", "12")


def test_a_time_in_a_text_is_not_the_time_of_the_line() -> None:
    one = row(PAYMENT_EVENTS, 1, merchant_id='"event_at":"1999-01-01T00:00:00.000Z"', error_code='x"event_at":"1999')
    assert partition(one.body, time_column(PAYMENT_EVENTS), NOON) == ("2026-03-14", "12")


def test_what_is_no_character_is_not_made_one() -> None:
    record = pack([Row("1", "ledger_entry", '{"step":"\ud800"}', NOON)], LEDGER_ENTRIES).records[0]
    with pytest.raises(UnicodeDecodeError):
        record.data.decode()
