"""A line passes exactly when every column of its table takes it; why not is said without a word of its content."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.lake.kinds import TABLES, time_column
from pipeline.lake.lines import DAYS_AHEAD, FIRST_DAY, Unfit, line_partition, record_partition
from pipeline.schemas.columns import Table, Type
from pipeline.schemas.ledger import LEDGER_CONTROL, LEDGER_ENTRIES
from pipeline.schemas.render import glue_projection
from tests.firehose.rows import NOON, line

DAY = NOON.date()
EVERY = pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: str(table.name))
SECRET = "4111-1111-1111-1111"


def faults(table: Table, **columns: Any) -> tuple[str, str]:
    """What is wrong with a line in which these values stand."""
    with pytest.raises(Unfit) as raised:
        line_partition(line(table, **columns), table)
    assert SECRET not in str(raised.value)
    return raised.value.field, raised.value.reason


@EVERY
def test_a_line_of_the_ledger_passes_with_and_without_what_may_be_missing(table: Table) -> None:
    assert line_partition(line(table), table) == ("2026-03-14", "12")
    optional: dict[str, Any] = {column.name: None for column in table.columns if column.nullable}
    assert line_partition(line(table, **optional), table) == ("2026-03-14", "12")
    bare = {name: value for name, value in json.loads(line(table)).items() if name not in optional}
    assert line_partition(json.dumps(bare), table) == ("2026-03-14", "12")


@EVERY
@pytest.mark.property(73)
def test_each_column_refuses_what_is_not_of_its_type(table: Table) -> None:
    wrong: dict[Type, list[Any]] = {
        Type.STRING: [1, True, [SECRET], {"a": SECRET}, 1.5],
        Type.BIGINT: ["1", SECRET, True, 1.0, 2**63, -(2**63) - 1, [1]],
        Type.TIMESTAMP: [SECRET, 1773489600000, "2026-03-14", "2026-03-14T12:00:00Z", "2026-03-14T12:00:00.000",
                         "2026-03-14T12:00:00.000+00:00", "2026-02-30T12:00:00.000Z", "2026-03-14T24:00:00.000Z",
                         "2026-03-14 12:00:00.000Z", "2026-03-14T12:00:00.000000Z", "٢٠٢٦-03-14T12:00:00.000Z"],
    }
    for column in table.columns:
        for value in wrong[column.type]:
            assert faults(table, **{column.name: value})[0] == column.name, (column.name, value)
        if not column.nullable:
            assert faults(table, **{column.name: None}) == (column.name, "missing")


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 0])
def test_the_whole_range_of_64_bits_passes(value: int) -> None:
    line_partition(line(LEDGER_ENTRIES, payment_id=value), LEDGER_ENTRIES)


@pytest.mark.parametrize(("text", "reason"), [
    ("", "no JSON"), ("{", "no JSON"), ("[]", "no JSON object"), ("1", "no JSON object"), ("null", "no JSON object"),
    ('{"amount_minor": NaN}', "no JSON"), ('{"amount_minor": Infinity}', "no JSON"),
    (line(LEDGER_ENTRIES)[:-1] + ',"step":"CAPTURE"}', "a name twice"),
    (line(LEDGER_ENTRIES)[:-1] + f',"{SECRET}":"x"}}', "a name that is no column"),
    (line(LEDGER_ENTRIES) + line(LEDGER_ENTRIES), "no JSON"), ("[" * 100_000, "no JSON"),
    ('{"amount_minor": ' + "9" * 5_000 + "}", "no JSON"),
])  # fmt: skip
def test_what_is_no_object_of_columns_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Unfit) as raised:
        line_partition(text, LEDGER_ENTRIES)
    assert (raised.value.field, raised.value.reason) == ("", reason)


def test_half_a_character_is_refused() -> None:
    assert faults(LEDGER_ENTRIES, account="\ud800") == ("account", "half a character")
    line_partition(line(LEDGER_ENTRIES, account="é\u2028😀"), LEDGER_ENTRIES)


@given(junk=st.binary(max_size=300))
def test_no_bytes_raise_anything_but_unfit(junk: bytes) -> None:
    with pytest.raises(Unfit):
        record_partition(junk, LEDGER_ENTRIES, DAY)


@EVERY
def test_a_record_is_of_one_hour(table: Table) -> None:
    lines = [line(table, NOON + timedelta(minutes=minutes)) for minutes in (0, 59)]
    assert record_partition(("\n".join(lines) + "\n").encode(), table, DAY) == (("2026-03-14", "12"), 2)
    lines.append(line(table, NOON + timedelta(minutes=60)))
    with pytest.raises(Unfit, match=f"{time_column(table)}: lines of several hours"):
        record_partition("\n".join(lines).encode(), table, DAY)


def test_a_record_without_its_last_newline_or_with_a_text_of_several_lines_is_whole() -> None:
    one = line(LEDGER_ENTRIES, account="a\nb\u2028c\u0085d")
    assert record_partition(one.encode(), LEDGER_ENTRIES, DAY)[1] == 1
    raw = json.dumps(json.loads(one), ensure_ascii=False)
    assert record_partition(f"{raw}\n{raw}\n".encode(), LEDGER_ENTRIES, DAY)[1] == 2


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\n", line(LEDGER_ENTRIES).encode() + b"\n\n"])
def test_a_record_of_no_or_empty_lines_is_refused(data: bytes) -> None:
    with pytest.raises(Unfit):
        record_partition(data, LEDGER_ENTRIES, DAY)


@pytest.mark.parametrize(("at", "passes"), [
    (FIRST_DAY, True), (FIRST_DAY - timedelta(1), False), (DAY + timedelta(DAYS_AHEAD), True),
    (DAY + timedelta(DAYS_AHEAD + 1), False)])  # fmt: skip
def test_a_day_that_no_reader_looks_for_is_refused(at: date, passes: bool) -> None:
    there = line(LEDGER_ENTRIES, NOON.replace(year=at.year, month=at.month, day=at.day)).encode()
    if passes:
        assert record_partition(there, LEDGER_ENTRIES, DAY)[0].dt == at.isoformat()
    else:
        with pytest.raises(Unfit, match="a day that no reader looks for"):
            record_partition(there, LEDGER_ENTRIES, DAY)


def test_readers_look_where_the_projection_says() -> None:
    for table in (LEDGER_ENTRIES, LEDGER_CONTROL):
        declared = glue_projection(table, "s3://x")["projection.dt.range"]
        assert declared == f"{FIRST_DAY},NOW+{DAYS_AHEAD}DAYS"
