"""`pipeline lake`: a folder of this machine as a lake on the stack's S3, checked before and told on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.local.errors import LocalRefused
from infra.local.lake import declare, remove_strangers, under, upload
from pipeline.schemas.tables import TABLES

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9_./=-]*")
_DATABASE = re.compile(r"[a-z_][a-z0-9_]*")


def put(source: Path, bucket: str, prefix: str, database: str, aws: Mapping[str, str]) -> tuple[str, int]:
    """Makes s3://bucket/prefix the lake that `source` is; returns that address and the number of files.

    Raises LocalRefused, before anything is copied, for a folder that is no lake and for names that S3 or Glue refuse.
    """
    for what, text, pattern, accepted in (
        ("--bucket", bucket, _BUCKET, "3 to 63 of a-z, 0-9, '.' and '-'"),
        ("--prefix", prefix, _PREFIX, "letters, digits and _ . / = -"),
        ("--database", database, _DATABASE, "a-z, 0-9 and _, not beginning with a digit"),
    ):
        if not pattern.fullmatch(text):
            raise LocalRefused(f"{what} is {text!r}; accepted: {accepted}")
    if not any((source / table).is_dir() for table in TABLES):
        raise LocalRefused(f"no lake at {source}: expected a folder that holds one folder per table, e.g. "
                           f"{source / 'ledger_entries'}")
    console = Console(stderr=True)
    columns = (TextColumn("copying files"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=None)
        count = upload(source, bucket, prefix, aws=aws,
                       progress=lambda done, total: bar.update(task, completed=done, total=total))
    remove_strangers(source, bucket, prefix, aws=aws)
    declare(bucket, prefix, database, aws=aws)
    return f"s3://{bucket}/{under(prefix, '')}".rstrip("/"), count
