"""A place in an S3 bucket: S3's own conditional writes keep two writers apart."""

from __future__ import annotations

from botocore.exceptions import ClientError

from recon.store import aws
from recon.store.s3 import S3Store, client, split

_LOST = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
"""Somebody else was first, or is writing now: either way this writer has to look again."""
_GONE = ("NoSuchKey", "404")


class S3Place(S3Store):
    """See Place. Raises StoreRefused where the address is none or the bucket cannot be listed."""

    def __init__(self, root: str) -> None:
        self.bucket, self.prefix = split(root)
        self.root = f"s3://{self.bucket}/{self.prefix}".rstrip("/")
        self._client = client("s3", f"place {root}")
        with aws.plainly(f"place {self.root} cannot be listed"):
            self._client.list_objects_v2(Bucket=self.bucket, Prefix=self._key(""), MaxKeys=1)

    def create(self, path: str, body: bytes) -> bool:
        """See Place."""
        return self._put(path, body, IfNoneMatch="*")

    def tagged(self, path: str) -> tuple[bytes, str]:
        """See Place."""
        entry, pieces = self.stream(path)
        return b"".join(pieces), str(entry.etag)

    def replace(self, path: str, body: bytes, tag: str) -> bool:
        """See Place."""
        return self._put(path, body, IfMatch=f'"{tag}"')

    def put(self, path: str, body: bytes) -> None:
        """See Place."""
        self._put(path, body)

    def remove(self, path: str) -> None:
        """See Place."""
        with aws.plainly(f"{self.root}/{path} cannot be removed"):
            self._client.delete_object(Bucket=self.bucket, Key=self._key(path))

    def _put(self, path: str, body: bytes, **condition: str) -> bool:
        with aws.plainly(f"{self.root}/{path} cannot be written"):
            try:
                self._client.put_object(Bucket=self.bucket, Key=self._key(path), Body=body, **condition)
            except ClientError as error:
                if condition and error.response["Error"]["Code"] in (*_LOST, *_GONE):
                    return False
                raise
        return True
