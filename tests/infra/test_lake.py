"""A local lake on the emulator: every file under its name, every table declared as the schemas say."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.errors import LocalRefused
from infra.local.guard import client
from infra.local.lake import declare, remove_strangers, upload
from pipeline.schemas.tables import TABLES

ODD = "ledger_entries/dt=2026-01-02/hr=05/a b%20é+=.parquet"


def test_every_file_keeps_its_path_and_bytes(aws: dict[str, str], tmp_path: Path) -> None:
    for path, body in {ODD: b"odd", "batches/x.parquet": b"x", "batches/.part": b"", ".hidden/y": b""}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(body)
    assert upload(tmp_path, "upload-bucket", "some/where", aws=aws) == 2
    assert upload(tmp_path, "upload-bucket", aws=aws) == 2
    s3 = client("s3", aws)
    keys = {item["Key"] for item in s3.list_objects_v2(Bucket="upload-bucket")["Contents"]}
    assert keys == {ODD, f"some/where/{ODD}", "batches/x.parquet", "some/where/batches/x.parquet"}
    assert s3.get_object(Bucket="upload-bucket", Key=f"some/where/{ODD}")["Body"].read() == b"odd"


def test_a_register_of_breaks_is_copied_to_where_none_is_and_never_lost(aws: dict[str, str], tmp_path: Path) -> None:
    for name, log in {"one": b"first", "other": b"another"}.items():
        for path, body in {"batches/x.parquet": b"x", "break_log/00000001.parquet": log}.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_bytes(body)
    (tmp_path / "none" / "batches").mkdir(parents=True)
    s3 = client("s3", aws)
    for name in ("one", "other", "none"):
        upload(tmp_path / name, "register-bucket", "lake", aws=aws)
        remove_strangers(tmp_path / name, "register-bucket", "lake", aws=aws)
        body = s3.get_object(Bucket="register-bucket", Key="lake/break_log/00000001.parquet")["Body"].read()
        assert body == b"first"
    keys = {item["Key"] for item in s3.list_objects_v2(Bucket="register-bucket")["Contents"]}
    assert keys == {"lake/break_log/00000001.parquet"}


def test_a_folder_that_is_not_there_is_named(aws: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(LocalRefused, match=r"no lake at .*nowhere"):
        upload(tmp_path / "nowhere", "upload-bucket", aws=aws)


def test_glue_knows_every_table_with_its_partitions(aws: dict[str, str]) -> None:
    for _ in range(2):
        declare("declared-bucket", "a/lake/", "declared_lake", aws=aws)
    glue = client("glue", aws)
    found = {item["Name"]: item for item in glue.get_tables(DatabaseName="declared_lake")["TableList"]}
    assert set(found) == set(TABLES)
    for name, table in TABLES.items():
        storage = found[name]["StorageDescriptor"]
        assert storage["Location"] == f"s3://declared-bucket/a/lake/{name}"
        assert storage["NumberOfBuckets"] == -1
        assert [column["Name"] for column in storage["Columns"]] == [column.name for column in table.columns]
        assert [column["Name"] for column in found[name]["PartitionKeys"]] == [c.name for c in table.partitions]
        assert ("projection.enabled" in found[name]["Parameters"]) == bool(table.partitions)
    template = found["settlement_lines"]["Parameters"]["storage.location.template"]
    assert template == "s3://declared-bucket/a/lake/settlement_lines/gateway=${gateway}/dt=${dt}"
