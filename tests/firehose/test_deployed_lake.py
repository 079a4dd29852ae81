"""What the deployed ledger commits lies in S3 as Parquet, exactly, whatever fails on the way."""

from __future__ import annotations

import base64
import json
import random
import re
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from infra.local.cli import app
from infra.local.deploy import invoked
from infra.local.guard import client
from infra.local.redrive import FUNCTION, redriven
from infra.local.stack import Stack
from infra.local.state import State, holding, write
from pipeline.lake.firehose import Sending, Timing, routes
from pipeline.lake.kinds import TABLES
from pipeline.lake.packing import Limits
from pipeline.ledger.connection import Database
from pipeline.ledger.outbox import Outbox
from pipeline.notify.relay import relay
from pipeline.schemas.columns import Table
from pipeline.schemas.ledger import LEDGER_CONTROL, LEDGER_ENTRIES, PAYMENT_EVENTS, PAYMENT_STATES
from pipeline.schemas.tables import TABLES as LAKE_TABLES
from pipeline.schemas.ulid import encode
from tests.firehose.deployed import Failing, Lake, counted, once
from tests.firehose.fake import nothing
from tests.firehose.rows import line
from tests.firehose.test_relaying import Killed, dying
from tests.integration.site import Site, new_key, order

STREAM = "payments-lake-{}"
GATEWAYS = ("stripe", "adyen")
LARGEST = 2**63 - 1
TIMING = Timing(time.monotonic, lambda _: None, random.Random(1).random)


@pytest.fixture
def site(pipeline_stack: Stack) -> Site:
    """The deployed pipeline."""
    return Site(pipeline_stack)


@pytest.fixture
def lake(pipeline_stack: Stack) -> Lake:
    """Its lake."""
    return Lake(pipeline_stack)


def paid(site: Site) -> list[int]:
    """Some payments, of which one is declined."""
    bodies = [order(gateway) for gateway in GATEWAYS] + [order("stripe", "pm_card_chargeDeclined")]
    done = site.at_once([partial(site.insist, body, new_key()) for body in bodies], most=2)
    return [int(exchange.payment_id or "") for exchange in done]


def drained(site: Site) -> None:
    """The deployed relay sends until nothing waits."""
    while invoked(site.aws, site.pipeline.deployment.function("Relay"), {})["taken"]:
        pass


def redrive(site: Site) -> dict[str, int]:
    """What `pipeline redrive` does."""
    return redriven(lambda event: invoked(site.aws, FUNCTION, event))


def columns_of(table: Table) -> set[str]:
    """Columns with those of the path."""
    return {column.name for column in table.all_columns()}


@pytest.mark.property(72)
def test_the_lake_holds_exactly_what_the_ledger_holds_whatever_fails_on_the_way(site: Site, lake: Lake) -> None:
    drained(site)
    payments = paid(site)
    truth = lake.outbox(payments)
    failing, clock = Failing(client("firehose", site.aws), seed=5), [datetime.now(UTC)]
    sending = Sending(TIMING, nothing, Limits(record_bytes=5_000, call_records=4))
    ways = routes(failing, {name: STREAM.format(name) for name in TABLES}, sending)

    def run(outbox: Outbox) -> int:
        clock[0] += timedelta(seconds=61)
        return relay(outbox, ways, lambda: clock[0], limit=20).delivered

    with closing(Database(lake.dsn)) as database:
        for point in ("take after", "delivered before", "delivered after"):
            with pytest.raises(Killed):
                run(dying(point, 0)(database))
        while any(lake.outbox(payments).values()):
            run(Outbox(database))
    drained(site)

    assert min(failing.refused, failing.lost) > 0
    for table in (LEDGER_ENTRIES, PAYMENT_STATES, PAYMENT_EVENTS):
        rows = lake.rows(table, payments)
        assert len(rows) > len(truth[table.name]) > 0, "duplicates were made, too"
        assert counted(once(table, rows)) == counted(truth[table.name])
    entries = lake.rows(LEDGER_ENTRIES, payments)
    of_the_path = ("dt", "hr")
    assert counted([{name: value for name, value in row.items() if name not in of_the_path}
                    for row in once(LEDGER_ENTRIES, entries)]) == counted(
        lake.entries(site.pipeline.database.owner_dsn, payments))


@pytest.mark.property(72)
def test_numbers_of_63_bits_and_any_text_survive(site: Site, lake: Lake) -> None:
    number = random.Random().getrandbits(60)
    body = line(PAYMENT_STATES, datetime(2020, 1, 1, 23, 59, 59, 999_000, tzinfo=UTC), payment_id=LARGEST,
                version=number, amount_minor=-LARGEST, status="é\n\"\\ 😀", currency=None)
    with psycopg.connect(lake.dsn) as connection:
        connection.execute(
            "INSERT INTO outbox (outbox_id, payment_id, kind, body, created_at) VALUES (%s, 7, 'payment_state', %s, "
            "'2020-01-01T23:59:59.999Z')", [encode(number), body])
    drained(site)
    row = next(row for row in lake.rows(PAYMENT_STATES, [LARGEST]) if row["version"] == number)
    assert row.keys() == columns_of(PAYMENT_STATES)
    assert (row["payment_id"], row["amount_minor"], row["status"], row["currency"], row["event_at"]) == (
        LARGEST, -LARGEST, "é\n\"\\ 😀", None, datetime(2020, 1, 1, 23, 59, 59, 999_000))
    assert (row["dt"], row["hr"]) == ("2020-01-01", "23")


@pytest.mark.property(73)
def test_what_does_not_fit_lands_aside_is_counted_and_sent_again_by_the_command(
        site: Site, lake: Lake, tmp_path: Path) -> None:
    redrive(site)
    number = random.Random().getrandbits(60)
    good = [line(LEDGER_CONTROL, datetime(2020, 1, 2, hour, tzinfo=UTC), debit_minor=number) for hour in (3, 3, 4)]
    bad = line(LEDGER_CONTROL, entry_count="4111111111111111")
    counted_before = len(lake.logged("LakeRecordsRefused"))
    firehose = client("firehose", site.aws)
    firehose.put_record_batch(DeliveryStreamName=STREAM.format("ledger_control"), Records=[
        {"Data": "".join(f"{one}\n" for one in lines).encode()} for lines in ([*good, bad], good[:2])])
    assert len(lake.objects("errors/ledger_control/")) == 1
    assert len(lake.logged("LakeRecordsRefused")) == counted_before + 1
    assert lake.logged("4111111111111111") == []
    assert [row["debit_minor"] for row in lake.rows(LEDGER_CONTROL) if row["debit_minor"] == number] == [number] * 2

    folder = tmp_path / "stack"
    with holding(folder):
        write(folder, State.of(site.stack, up_at="", took_s=0.0))
        told = CliRunner().invoke(app, ["redrive", "--folder", str(folder), "--json"])
        shown = CliRunner().invoke(app, ["redrive", "--folder", str(folder), "--held"])
    assert json.loads(told.stdout) == {"objects": 1, "lines": 4, "sent": 3, "held": 1, "removed": 1, "left": 0}
    assert re.search(r"\b1 +lines kept below held/", shown.stdout)
    assert lake.objects("errors/") == []
    held = [key for key in lake.objects("held/ledger_control/")
            if base64.b64encode(bad.encode()) in lake.s3.get_object(Bucket=lake.bucket, Key=key)["Body"].read()]
    assert len(held) == 1
    hours = sorted((row["dt"], row["hr"]) for row in lake.rows(LEDGER_CONTROL) if row["debit_minor"] == number)
    assert hours == [("2020-01-02", "03")] * 4 + [("2020-01-02", "04")]


@pytest.mark.property(72, 73)
def test_what_could_not_be_converted_for_want_of_its_table_is_sent_again(site: Site, lake: Lake) -> None:
    drained(site)
    redrive(site)
    payments = paid(site)
    truth = lake.outbox(payments)[PAYMENT_EVENTS.name]
    glue = client("glue", site.aws)
    declared = glue.get_table(DatabaseName="payments_lake", Name=PAYMENT_EVENTS.name)["Table"]
    glue.delete_table(DatabaseName="payments_lake", Name=PAYMENT_EVENTS.name)
    try:
        drained(site)
    finally:
        glue.create_table(DatabaseName="payments_lake", TableInput={
            name: declared[name] for name in ("Name", "Description", "TableType", "PartitionKeys", "StorageDescriptor",
                                              "Parameters")})
    assert lake.rows(PAYMENT_EVENTS, payments) == []
    assert all(key.split("/")[2] == "format-conversion-failed" for key in lake.objects("errors/payment_events/"))
    done = redrive(site)
    assert (done["sent"], done["held"], done["left"], lake.objects("errors/")) == (done["lines"], 0, 0, [])
    assert counted(lake.rows(PAYMENT_EVENTS, payments)) == counted(truth)


def test_no_folder_is_deeper_than_the_hour(site: Site, lake: Lake) -> None:
    drained(site)
    place = re.compile(r"(\w+)/dt=\d{4}-\d{2}-\d{2}/hr=\d{2}/[^/]+\.parquet", re.ASCII)
    found = [(key, place.fullmatch(key)) for key in lake.objects() if not key.startswith(("errors/", "held/"))]
    assert [key for key, match in found if match is None] == []
    assert {match[1] for _, match in found if match} <= TABLES.keys()


def test_the_stack_says_where_its_lake_is(site: Site, lake: Lake) -> None:
    assert site.stack.environment()["PAYMENTS_LAKE"] == f"s3://{lake.bucket}"
    tables = client("glue", site.aws).get_tables(DatabaseName="payments_lake")["TableList"]
    assert {table["Name"]: table["StorageDescriptor"]["Location"] for table in tables} == {
        name: f"s3://{lake.bucket}/{name}" for name in LAKE_TABLES}
