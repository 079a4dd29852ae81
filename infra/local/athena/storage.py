"""The S3 of the stack by address: s3://bucket/key with the key as it is, nothing escaped."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from pyarrow import fs

from infra.local.athena.errors import access_denied
from infra.local.guard import client


@dataclass(frozen=True, slots=True)
class Item:
    """One object; `size` in bytes."""

    url: str
    size: int


class Store:
    """Reads and writes objects. What S3 denies becomes a QueryFailed, as Athena reports it."""

    def __init__(self) -> None:
        self._s3 = client("s3")
        # The endpoint comes from the environment, like boto3's.
        self.files = fs.S3FileSystem(endpoint_override=self._s3.meta.endpoint_url)

    def list(self, prefix: str) -> list[Item]:
        """Objects whose address begins with `prefix`, sorted."""
        bucket, key = split(prefix)
        found = []
        try:
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
                found += [Item(f"s3://{bucket}/{item['Key']}", int(item["Size"])) for item in page.get("Contents", ())]
        except ClientError as error:
            raise _refused(error) from None
        return sorted(found, key=lambda item: item.url)

    def holds(self, prefix: str) -> bool:
        """Whether anything lies below `prefix`."""
        bucket, key = split(prefix)
        try:
            found = self._s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        except ClientError as error:
            raise _refused(error) from None
        return bool(found.get("Contents"))

    def has_bucket(self, url: str) -> bool:
        """Whether the bucket of `url` exists."""
        try:
            self._s3.head_bucket(Bucket=split(url)[0])
        except ClientError as error:
            return str(error.response["Error"]["Code"]) not in ("404", "NoSuchBucket")
        return True

    def open(self, url: str) -> Any:
        """The object as a pyarrow file that reads ranges."""
        return self.files.open_input_file("/".join(split(url)))

    def write(self, url: str, body: bytes) -> None:
        """Writes one object."""
        bucket, key = split(url)
        try:
            self._s3.put_object(Bucket=bucket, Key=key, Body=io.BytesIO(body))
        except ClientError as error:
            raise _refused(error) from None

    def delete(self, url: str) -> None:
        """Deletes one object."""
        bucket, key = split(url)
        self._s3.delete_object(Bucket=bucket, Key=key)


def split(url: str) -> tuple[str, str]:
    """Bucket and key of an s3:// address."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def _refused(error: ClientError) -> Exception:
    code = str(error.response["Error"]["Code"])
    return access_denied("Access Denied") if code in ("AccessDenied", "403") else error
