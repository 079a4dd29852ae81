"""A lake of local files put on the emulator's S3 and declared in its Glue, as on AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.local.errors import LocalRefused
from infra.local.guard import client
from pipeline.schemas.reference import BREAK_LOG, RECON_RUNS
from pipeline.schemas.render import glue_projection, glue_storage, glue_table
from pipeline.schemas.tables import DATABASE, TABLES

_UPLOADS_AT_ONCE = 8

REGISTER = (BREAK_LOG.name, RECON_RUNS.name)
"""What is known of breaks lies in the lake that it was written to, and nowhere else: a copy of another lake neither
replaces nor removes it."""


def upload(folder: Path, bucket: str, prefix: str = "", *, aws: Mapping[str, str] | None = None,
           progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Copies every file below `folder` to `bucket` under `prefix`, which is made if absent; returns their number.

    Where a register of breaks lies there, the folder's own stays where it is.
    `aws` is the environment of the stack (None: this process's). `progress` is told how many of how many files are
    there. Raises LocalRefused where the stack is not local, or where there is no such folder.
    """
    if not folder.is_dir():
        raise LocalRefused(f"no lake at {folder}: expected a folder that holds one folder per table")
    s3 = client("s3", aws)
    make_bucket(s3, bucket)
    held = any(s3.list_objects_v2(Bucket=bucket, Prefix=under(prefix, table) + "/", MaxKeys=1).get("KeyCount")
               for table in REGISTER)
    files = sorted(path for path in _files(folder) if not (held and path.relative_to(folder).parts[0] in REGISTER))

    def put(path: Path) -> None:
        s3.upload_file(str(path), bucket, under(prefix, path.relative_to(folder).as_posix()))

    with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
        for done, _ in enumerate(pool.map(put, files), 1):
            progress(done, len(files))
    return len(files)


def remove_strangers(folder: Path, bucket: str, prefix: str = "", *, aws: Mapping[str, str] | None = None) -> int:
    """Removes what tables' folders under `prefix` hold and `folder` has not; returns the number of such objects.

    After an upload the lake is then the folder, also where another one was there before; a register of breaks stays.
    """
    kept = {under(prefix, path.relative_to(folder).as_posix()) for path in _files(folder)}
    s3 = client("s3", aws)
    removed = 0
    for table in (name for name in TABLES if name not in REGISTER):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=under(prefix, table) + "/"):
            strange = [{"Key": item["Key"]} for item in page.get("Contents", ()) if item["Key"] not in kept]
            if strange:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": strange})
            removed += len(strange)
    return removed


def declare(bucket: str, prefix: str = "", database: str = DATABASE, *, aws: Mapping[str, str] | None = None) -> None:
    """Declares every lake table in Glue over s3://bucket/prefix, partitions projected. Repeating it renews them."""
    glue = client("glue", aws)
    make_database(glue, database)
    for name, table in TABLES.items():
        location = f"s3://{bucket}/{under(prefix, name)}"
        rendered = glue_table(table)
        declaration: dict[str, Any] = {
            "Name": name,
            "Description": rendered["Description"],
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": rendered["PartitionKeys"],
            "StorageDescriptor": glue_storage(rendered["Columns"], location),
            "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet", **glue_projection(table, location)},
        }
        try:
            glue.create_table(DatabaseName=database, TableInput=declaration)
        except glue.exceptions.AlreadyExistsException:
            glue.update_table(DatabaseName=database, TableInput=declaration)


def make_bucket(s3: Any, bucket: str) -> None:
    """Makes `bucket`, unless it is there and ours."""
    try:
        s3.create_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise


def make_database(glue: Any, database: str) -> None:
    """Makes the Glue database, unless it is there."""
    try:
        glue.create_database(DatabaseInput={"Name": database})
    except glue.exceptions.AlreadyExistsException:
        return


def under(prefix: str, path: str) -> str:
    """`path` below `prefix`, as an object's key."""
    return "/".join(part for part in (prefix.strip("/"), path) if part)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        # A hidden name is a file that somebody is still writing.
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path
