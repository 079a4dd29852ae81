"""A lake in an S3 bucket, listed and read through boto3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from recon.store import aws
from recon.store.port import Absent, Entry, StoreRefused

CONNECTIONS = 32
_PIECE = 1 << 20
_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")


def split(address: str) -> tuple[str, str]:
    """(bucket, prefix without '/' at either end) of s3://bucket/prefix. Raises StoreRefused."""
    found = _ADDRESS.fullmatch(address.rstrip("/"))
    if not found:
        raise StoreRefused(f"{address!r} is no S3 address; accepted: s3://bucket or s3://bucket/prefix")
    return found[1], (found[2] or "").strip("/")


def client(service: str, what: str) -> Any:
    """A boto3 client of `service`, for `what`; retries throttled calls. Raises AwsRefused."""
    aws.require(what)
    with aws.plainly(what):
        return boto3.client(service, config=Config(
            retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=CONNECTIONS,
            s3={"addressing_style": "auto"}))


class S3Store:
    """See Store. Raises StoreRefused where the bucket cannot be listed."""

    def __init__(self, root: str) -> None:
        self.bucket, self.prefix = split(root)
        self.root = f"s3://{self.bucket}/{self.prefix}".rstrip("/")
        self._client = client("s3", f"lake {root}")
        with aws.plainly(f"lake {self.root} cannot be listed"):
            found = self._client.list_objects_v2(Bucket=self.bucket, Prefix=self._key(""), MaxKeys=1)
        if not found.get("KeyCount"):
            raise StoreRefused(f"no lake at {self.root}: nothing lies there; expected one folder per table, e.g. "
                               f"{self.root}/ledger_entries/dt=YYYY-MM-DD/hr=HH/")

    def entries(self, folder: str) -> list[Entry] | None:
        """See Store."""
        prefix = self._key(folder) + "/"
        found: list[Entry] = []
        with aws.plainly(f"{self.root}/{folder} cannot be listed"):
            for page in self._pages(prefix, Delimiter="/"):
                found += [Entry(item["Prefix"][len(prefix):-1], True, 0) for item in page.get("CommonPrefixes", ())]
                found += [_entry(item, prefix) for item in page.get("Contents", ()) if item["Key"] != prefix]
        return found or None

    def files(self, folder: str, depth: int) -> list[Entry]:
        """See Store."""
        prefix = self._key(folder) + "/"
        with aws.plainly(f"{self.root}/{folder} cannot be listed"):
            found = [_entry(item, prefix) for page in self._pages(prefix) for item in page.get("Contents", ())]
        return [entry for entry in found if entry.name.count("/") == depth and not entry.name.endswith("/")]

    def read(self, path: str) -> bytes:
        """See Store."""
        with aws.plainly(f"{self.root}/{path} cannot be read"):
            try:
                body: bytes = self._client.get_object(Bucket=self.bucket, Key=self._key(path))["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    raise Absent(f"{path} is gone from lake {self.root}") from None
                raise
        return body

    def stream(self, path: str) -> tuple[Entry, Iterator[bytes]]:
        """What the store says of an object now, and its bytes in pieces. Raises Absent.

        While the pieces come AwsRefused may be raised, as where they are fewer bytes than the entry says.
        """
        what = f"{self.root}/{path} cannot be read"
        with aws.plainly(what):
            try:
                answer = self._client.get_object(Bucket=self.bucket, Key=self._key(path))
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    raise Absent(f"{path} is gone from lake {self.root}") from None
                raise
        facts = {"Key": path, "Size": answer["ContentLength"], "LastModified": answer["LastModified"],
                 "ETag": answer["ETag"]}
        return _entry(facts, ""), _pieces(answer["Body"], what)

    def _key(self, path: str) -> str:
        return "/".join(part for part in (self.prefix, path) if part)

    def _pages(self, prefix: str, **more: str) -> Any:
        return self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, **more)


def _pieces(body: Any, what: str) -> Iterator[bytes]:
    with aws.plainly(what), closing(body):
        yield from body.iter_chunks(_PIECE)


def _entry(item: dict[str, Any], prefix: str) -> Entry:
    modified_ms = int(item["LastModified"].timestamp() * 1000)
    return Entry(item["Key"][len(prefix):], False, modified_ms, item["Size"], item["ETag"].strip('"'))
