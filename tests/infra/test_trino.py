"""The real server over the emulator: what readers rely on."""

from __future__ import annotations

import hashlib
import io
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from trino.exceptions import TrinoUserError

from infra.local.errors import LocalRefused
from infra.local.guard import client
from infra.local.lake import declare, make_bucket
from infra.local.stack import Stack
from infra.local.trino import java
from infra.local.trino.install import CHECKSUMS, check, home, installed
from infra.local.trino.server import Trino
from pipeline.schemas.render import glue_columns, glue_storage
from pipeline.schemas.tables import table
from tests.engine.harness import sample

CROSSED = """SELECT count(*), CAST(sum(amount_minor * n) AS bigint)
             FROM lake.payments_lake.ledger_entries CROSS JOIN UNNEST(sequence(1, 200)) t(n)
             WHERE dt = DATE '2026-01-01'"""
SHARED = """SELECT count(DISTINCT node_id) FROM system.runtime.tasks
            WHERE query_id = (SELECT max(query_id) FROM system.runtime.queries WHERE query LIKE '%CROSS JOIN%'
                              AND query NOT LIKE '%runtime%')
            AND processed_input_rows > 0 AND stage_id NOT LIKE '%.0'"""
ODD = "a b%20é+=.parquet"


@pytest.fixture
def trino(trino_stack: Stack) -> Trino:
    """The server of the stack."""
    assert trino_stack.trino is not None
    return trino_stack.trino


@pytest.mark.trino
def test_it_listens_on_loopback_only(trino_stack: Stack, trino: Trino) -> None:
    servers = [*trino.servers, trino_stack.emulator.server, trino_stack.athena.server]
    assert {address for server in servers for address, _ in server.listening()} == {"127.0.0.1"}
    assert len(trino.servers[0].listening()) == 1


@pytest.mark.trino
def test_declared_tables_are_read_by_projected_partitions(trino_stack: Stack, trino: Trino) -> None:
    settings = trino_stack.environment()
    s3 = client("s3", settings)
    make_bucket(s3, "projected")
    for day in ("2026-01-01", "2026-01-02"):
        body = io.BytesIO()
        pq.write_table(sample("ledger_entries", rows=3), body)
        s3.put_object(Bucket="projected", Key=f"a/ledger_entries/dt={day}/hr=05/{ODD}", Body=body.getvalue())
    declare("projected", "a", "projected_lake", aws=settings)
    named = trino.execute("""SELECT CAST(dt AS varchar), hr, count(*), min("$path")
                             FROM lake.projected_lake.ledger_entries
                             WHERE dt >= DATE '2026-01-01' AND dt < DATE '2026-01-02' GROUP BY 1, 2""")
    assert named == [["2026-01-01", "05", 3, f"s3://projected/a/ledger_entries/dt=2026-01-01/hr=05/{ODD}"]]
    path = f"s3://projected/a/ledger_entries/dt=2026-01-02/hr=05/{ODD}"
    assert trino.execute(f"""SELECT count(*) FROM lake.projected_lake.ledger_entries
                             WHERE dt = DATE '2026-01-02' AND "$path" = '{path}'""") == [[3]]
    assert trino.execute("""SELECT count(*) FROM lake.projected_lake.settlement_lines
                            WHERE gateway = 'adyen' AND dt = DATE '2026-01-02'""") == [[0]]


@pytest.mark.trino
def test_a_table_declared_through_glue_is_seen_at_once_and_gone_at_once(trino_stack: Stack, trino: Trino) -> None:
    settings = trino_stack.environment()
    glue, s3 = client("glue", settings), client("s3", settings)
    make_bucket(s3, "fresh")
    glue.create_database(DatabaseInput={"Name": "fresh"})
    storage = glue_storage(glue_columns(table("batches").columns), "s3://fresh/t")
    for rows in (1, 2):
        body = io.BytesIO()
        pq.write_table(sample("batches", rows=rows), body)
        s3.put_object(Bucket="fresh", Key="t/x.parquet", Body=body.getvalue())
        glue.create_table(DatabaseName="fresh", TableInput={
            "Name": "t", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage, "PartitionKeys": [],
            "Parameters": {"EXTERNAL": "TRUE"}})  # fmt: skip
        assert trino.execute("SELECT count(*) FROM lake.fresh.t") == [[rows]]
        glue.delete_table(DatabaseName="fresh", Name="t")
        with pytest.raises(TrinoUserError, match="does not exist"):
            trino.execute("SELECT count(*) FROM lake.fresh.t")


@pytest.mark.trino
def test_scratch_tables_come_and_go_with_what_they_hold(trino_stack: Stack, trino: Trino) -> None:
    s3 = client("s3", trino_stack.environment())
    make_bucket(s3, "outside")
    trino.execute("CREATE SCHEMA scratch.coming")
    trino.execute("""CREATE TABLE scratch.coming.made AS
                     SELECT TIMESTAMP '2026-03-29 01:59:59.999' AS at, CAST(1 AS decimal(38,0)) AS total, '' AS word
                     UNION ALL SELECT NULL, NULL, NULL""")
    trino.execute("INSERT INTO scratch.coming.made SELECT at, total + 1, 'x' FROM scratch.coming.made")
    shown: list[list[Any]] = trino.execute("SELECT CAST(at AS varchar), total, word FROM scratch.coming.made "
                                           "WHERE at IS NOT NULL ORDER BY total")
    assert [[str(value) for value in row] for row in shown] == [
        ["2026-03-29 01:59:59.999", "1", ""], ["2026-03-29 01:59:59.999", "2", "x"]]
    body = io.BytesIO()
    pq.write_table(sample("batches", rows=2).select(["batch_id"]), body)
    s3.put_object(Bucket="outside", Key="files/x.parquet", Body=body.getvalue())
    trino.execute("""CREATE TABLE scratch.coming.over (batch_id varchar)
                     WITH (external_location = 's3://outside/files', format = 'PARQUET')""")
    assert trino.execute("SELECT count(*) FROM scratch.coming.over") == [[2]]
    for name in ("made", "over"):
        trino.execute(f"DROP TABLE scratch.coming.{name}")
    trino.execute("DROP SCHEMA scratch.coming")
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="outside")["Contents"]] == ["files/x.parquet"]


@pytest.mark.trino
@pytest.mark.nightly
def test_a_second_worker_takes_part_and_the_answer_stays(tmp_path: Path, record_property: Any) -> None:
    """Only the answer and the sharing are asserted: two servers on one machine share its cores. The times are shown."""
    with Stack.start(tmp_path / "run", trino=True) as stack:
        assert stack.trino is not None
        s3 = client("s3", stack.environment())
        make_bucket(s3, "lake")
        for hour in range(8):
            body = io.BytesIO()
            part = sample("ledger_entries", rows=20, amount_minor=[hour * 20 + row for row in range(20)])
            pq.write_table(pa.concat_tables([part] * 500), body)
            key = f"ledger_entries/dt=2026-01-01/hr={hour:02}/x.parquet"
            s3.put_object(Bucket="lake", Key=key, Body=body.getvalue())
        declare("lake", aws=stack.environment())
        rows, total = 8 * 20 * 500 * 200, 500 * sum(range(8 * 20)) * sum(range(1, 201))
        for workers in (1, 2):
            for _ in range(2):
                start = time.monotonic()
                assert stack.trino.execute(CROSSED) == [[rows, total]]
                seconds = time.monotonic() - start
            record_property(f"seconds with {workers} worker(s)", f"{seconds:.1f}")
            print(f"{workers} worker(s): {seconds:.1f} s")
            if workers == 1:
                stack.trino.add_worker()
        assert stack.trino.nodes() == 2
        assert stack.trino.execute(SHARED) == [[2]]
        assert {address for server in stack.trino.servers for address, _ in server.listening()} == {"127.0.0.1"}
        processes = [server.pid for server in stack.trino.servers]
    assert not any(psutil.pid_exists(pid) or Path(f"/tmp/.java_pid{pid}").exists() for pid in processes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.trino
def test_a_server_that_does_not_start_says_what_is_wrong(trino_stack: Stack, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.trino.server.JVM", ("-XX:+NoSuchOption",))
    with pytest.raises(LocalRefused, match=r"Trino's coordinator ended with \d+ while starting(?s:.*)NoSuchOption"):
        Trino.start(tmp_path / "trino", aws=trino_stack.environment())


def test_without_java_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    for tool in (java.java, java.javac, java.maven):
        with pytest.raises(LocalRefused, match="apt-get install openjdk-17-jdk-headless maven"):
            tool(lambda _: None)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(LocalRefused, match=f"JAVA_HOME, {tmp_path}"):
        java.java()


@pytest.mark.parametrize("said, number", [('openjdk version "1.8.0_392"', 8), ('openjdk version "11.0.2"', 11),
                                          ('java version "25" 2025-09-16', 25), ("nonsense", None)])  # fmt: skip
def test_another_java_is_named(said: str, number: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "bin" / "java"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\necho '{said}' >&2\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java.release(tool) == number
    with pytest.raises(LocalRefused, match=f"17 to 21 and {tool} is {number or 'of no release'}"):
        java.java()


def test_every_jar_is_listed_once_with_its_checksum() -> None:
    lines = CHECKSUMS.read_text(encoding="utf-8").splitlines()
    names = [line[66:] for line in lines]
    assert len(set(names)) == len(names) > 400
    assert all(name.endswith(".jar") for name in names)
    assert {len(line.split("  ")[0]) for line in lines} == {64}


@pytest.fixture
def fetched(tmp_path: Path) -> tuple[Path, Path]:
    """What Maven could have fetched, and the list of it."""
    lines = []
    for name in ("lib/a.jar", "plugin/hive/b.jar"):
        (tmp_path / "home" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "home" / name).write_bytes(name.encode())
        lines.append(f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n")
    (tmp_path / "sums").write_text("".join(lines), encoding="utf-8")
    return tmp_path / "home", tmp_path / "sums"


def test_what_the_list_says_passes(fetched: tuple[Path, Path]) -> None:
    check(*fetched)


@pytest.mark.parametrize("change, said", [("other", "lib/a.jar has other bytes"), ("gone", "lib/a.jar is missing"),
                                          ("more", "lib/c.jar is not on the list")])  # fmt: skip
def test_anything_else_is_refused(change: str, said: str, fetched: tuple[Path, Path]) -> None:
    jar = fetched[0] / "lib" / "a.jar"
    if change == "other":
        jar.write_bytes(b"other")
    elif change == "gone":
        jar.unlink()
    else:
        jar.with_name("c.jar").write_bytes(b"")
    with pytest.raises(LocalRefused, match=f"{said}.*nothing was installed"):
        check(*fetched)


def test_only_the_whole_server_counts_as_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert home() == tmp_path / "settlement-workbench" / "trino-435"
    assert not installed()
    home().mkdir(parents=True)
    (home() / CHECKSUMS.name).write_text("an older list")
    assert not installed()
    (home() / CHECKSUMS.name).write_bytes(CHECKSUMS.read_bytes())
    assert installed()


def test_without_an_installed_server_start_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(java, "java", lambda: Path("java"))
    with pytest.raises(LocalRefused, match=r"infra\.local\.trino\.install"):
        Trino.start(tmp_path / "run", aws={})
    assert not (tmp_path / "run").exists()
