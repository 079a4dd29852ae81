"""What Athena cannot do is said plainly, with the next step; nothing is sent twice, and nothing is left behind."""

from __future__ import annotations

import threading
import time
from _thread import interrupt_main
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from infra.local.guard import applied, client
from infra.local.lake import declare, make_bucket
from infra.local.stack import SCRATCH_BUCKET, SCRATCH_DATABASE, WORKGROUP, Stack
from recon.engine.athena_errors import AthenaRefused
from recon.engine.open import open_engine
from recon.engine.port import Engine
from recon.errors import Refused
from recon.lake import LakeObject
from tests.engine.harness import LANDED, Catalog

BUCKET, DATABASE = "refused-lake", "refused_lake"
ROOT = f"s3://{BUCKET}/lake"
READ = "SELECT e.entry_id FROM ledger_entries AS e"


@pytest.fixture
def athena(stack: Stack) -> Iterator[Any]:
    """The Athena API of the stack, this process's environment laid on it, with a declared lake."""
    settings = stack.environment() | {"RECON_ATHENA_DATABASE": DATABASE}
    make_bucket(client("s3", settings), BUCKET)
    declare(BUCKET, "lake", DATABASE, aws=settings)
    stack.athena.reset()
    with applied(settings):
        yield stack.athena
    stack.athena.reset()


def opened() -> tuple[Engine, str]:
    """The engine over the lake, an empty ledger exposed, and the name of a query over it."""
    catalog = Catalog()
    engine = open_engine("athena", ROOT, catalog=catalog)
    engine.expose("ledger_entries", [])
    return engine, catalog.add(READ, inputs="ledger_entries")


def left() -> tuple[list[str], list[str]]:
    """Scratch objects and scratch tables that are there."""
    objects = client("s3").list_objects_v2(Bucket=SCRATCH_BUCKET, Prefix="athena/r").get("Contents", [])
    tables = client("glue").get_tables(DatabaseName=SCRATCH_DATABASE)["TableList"]
    return [item["Key"] for item in objects], [item["Name"] for item in tables]


def test_a_workgroup_that_is_not_there_is_named(athena: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECON_ATHENA_WORKGROUP", "nowhere")
    with pytest.raises(AthenaRefused, match=r"Athena has no workgroup nowhere; create it .* RECON_ATHENA_WORKGROUP"):
        open_engine("athena", ROOT)


def test_a_workgroup_without_a_limit_is_refused(athena: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client("athena").create_work_group(Name="endless", Configuration={
        "ResultConfiguration": {"OutputLocation": f"s3://{SCRATCH_BUCKET}/x/"}})
    monkeypatch.setenv("RECON_ATHENA_WORKGROUP", "endless")
    with pytest.raises(AthenaRefused, match=r"workgroup endless has no limit of bytes .*BytesScannedCutoffPerQuery"):
        open_engine("athena", ROOT)


@pytest.mark.parametrize("name, value, said", [
    ("RECON_ATHENA_SCRATCH_DATABASE", "nowhere", "no database nowhere; create it, or set RECON_ATHENA_SCRATCH_DA"),
    ("RECON_ATHENA_SCRATCH", "s3://no-such-bucket/x/", "RECON_ATHENA_SCRATCH is s3://no-such-bucket/x: no such bucket"),
])
def test_a_place_for_scratch_that_is_not_there_is_named(
    athena: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Refused, match=said):
        open_engine("athena", ROOT)


def test_a_database_without_the_lake_is_named(athena: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECON_ATHENA_DATABASE", SCRATCH_DATABASE)
    with pytest.raises(AthenaRefused, match=rf"no table {SCRATCH_DATABASE}.ledger_entries; check RECON_ATHENA"):
        opened()


@pytest.mark.parametrize("fault, said", [
    ("expired_token", "credentials have expired .*; log in again"),
    ("invalid_token", "does not accept these credentials"),
    ("access_denied", "access denied"),
])
def test_refused_calls_say_why(athena: Any, fault: str, said: str) -> None:
    engine, query = opened()
    with engine:
        athena.fault(fault, operation="StartQueryExecution")
        with pytest.raises(AthenaRefused, match=f"Athena, workgroup {WORKGROUP}: .*{said}") as refused:
            engine.fetch(query)
    assert refused.value.exit_code == 2


def test_a_throttled_call_is_repeated_and_the_statement_runs_once(athena: Any) -> None:
    engine, query = opened()
    with engine:
        athena.fault("throttled", operation="StartQueryExecution", times=2)
        assert engine.fetch(query).num_rows == 0
    started = [call for call in athena.calls("StartQueryExecution") if "QueryExecutionId" in str(call["answer"])]
    assert len({call["request"]["QueryString"] for call in started}) == len(started)


def test_a_lost_answer_starts_nothing_twice(athena: Any) -> None:
    engine, query = opened()
    with engine:
        athena.fault("drop", operation="StartQueryExecution")
        assert engine.fetch(query).num_rows == 0
    tokens: dict[str, set[str]] = {}
    for call in athena.calls("StartQueryExecution"):
        tokens.setdefault(call["request"]["QueryString"], set()).add(call["request"]["ClientRequestToken"])
    assert all(len(of) == 1 for of in tokens.values())


@pytest.mark.parametrize("fault, said", [
    ({"fault": "scanned", "bytes": 10**12}, "stopped the query at the limit of workgroup recon: .*shorter window"),
    ({"fault": "s3_denied"}, "may not read or write: .*Access Denied.*its role needs to read the lake"),
    ({"fault": "output_denied"}, "may not read or write: .*RECON_ATHENA_SCRATCH"),
    ({"fault": "exhausted"}, "gave up: .*exhausted.*shorter window"),
])
def test_queries_that_fail_say_why_and_leave_nothing(athena: Any, fault: dict[str, Any], said: str) -> None:
    engine, query = opened()
    with engine:
        athena.fault(**fault)
        with pytest.raises(AthenaRefused, match=said):
            engine.materialize("made", query)
    assert left() == ([], [])


def test_an_interrupt_cancels_the_query(athena: Any) -> None:
    engine, query = opened()
    with engine:
        athena.fault("slow", seconds=60)
        waiting = threading.Thread(target=_interrupted_when_asked, args=(athena,))
        waiting.start()
        with pytest.raises(KeyboardInterrupt):
            engine.fetch(query)
        waiting.join()
    assert len(athena.calls("StopQueryExecution")) == 1
    assert left() == ([], [])


def _interrupted_when_asked(athena: Any) -> None:
    """Not before the query is there to be cancelled, however long that takes."""
    deadline = time.monotonic() + 40
    while not athena.calls("GetQueryExecution") and time.monotonic() < deadline:
        time.sleep(0.05)
    interrupt_main()


def test_results_are_never_reused_and_never_csv(athena: Any) -> None:
    engine, query = opened()
    with engine:
        engine.register("small", pa.table({"n": [1]}))
        engine.fetch(query)
        engine.materialize("made", query)
    for call in athena.calls("StartQueryExecution"):
        reuse = call["request"].get("ResultReuseConfiguration", {}).get("ResultReuseByAgeConfiguration", {})
        assert not reuse.get("Enabled")
        text = call["request"]["QueryString"]
        assert text.startswith("UNLOAD (") or text.endswith("LIMIT 0"), text
    assert left() == ([], [])


def test_parameters_travel_beside_the_statement(athena: Any) -> None:
    catalog = Catalog()
    with open_engine("athena", ROOT, catalog=catalog) as engine:
        rows = engine.fetch(catalog.add("SELECT :a AS a, :n AS n", parameters="a text, n bigint"), a="o'clock ?", n=7)
    assert rows.to_pylist() == [{"a": "o'clock ?", "n": 7}]
    [call] = athena.calls("StartQueryExecution")
    assert call["request"]["ExecutionParameters"] == ["'o''clock ?'", "'7'"]
    assert "o''clock" not in call["request"]["QueryString"]


def test_null_and_nothing_stay_apart(athena: Any) -> None:
    catalog = Catalog()
    with open_engine("athena", ROOT, catalog=catalog) as engine:
        engine.register("texts", pa.table({"t": pa.array(["", None, " "], pa.string())}))
        rows = engine.fetch(catalog.add("SELECT x.t FROM texts AS x ORDER BY 1", inputs="texts"))
    assert rows.column("t").to_pylist() == ["", " ", None]


def test_a_table_without_the_declared_columns_is_refused(athena: Any) -> None:
    glue = client("glue")
    held = glue.get_table(DatabaseName=DATABASE, Name="ledger_entries")["Table"]
    kept = {name: held[name] for name in ("Name", "TableType", "PartitionKeys", "StorageDescriptor", "Parameters")}
    descriptor = kept["StorageDescriptor"]
    fewer = [column for column in descriptor["Columns"] if column["Name"] not in ("currency", "step")]
    glue.update_table(DatabaseName=DATABASE, TableInput=kept | {"StorageDescriptor": descriptor | {"Columns": fewer}})
    with open_engine("athena", ROOT) as engine, pytest.raises(
            Refused, match=r"table refused_lake.ledger_entries lacks step, currency|lacks currency, step"):
        engine.expose("ledger_entries", [])


def test_a_catalog_of_another_lake_is_refused(athena: Any) -> None:
    declare(BUCKET, "elsewhere", DATABASE)
    with open_engine("athena", ROOT) as engine, pytest.raises(
            Refused, match=f"lies at s3://{BUCKET}/elsewhere/ledger_entries, but the lake's is {ROOT}/ledger_entries"):
        engine.expose("ledger_entries", [])


def test_a_lake_in_a_folder_is_refused(athena: Any, tmp_path: Any) -> None:
    with pytest.raises(Refused, match=r"engine athena reads lakes on S3, and .* is a folder; accepted: --lake s3://"):
        open_engine("athena", str(tmp_path))


def test_objects_of_the_lake_that_are_gone_are_named(athena: Any) -> None:
    gone = LakeObject("ledger_entries", "ledger_entries/dt=2026-01-01/hr=00/gone.parquet", None, None, LANDED)
    with open_engine("athena", ROOT) as engine, pytest.raises(Refused, match=f"{gone.path} in {ROOT} cannot be read"):
        engine.expose("ledger_entries", [gone])
