"""A lake's bytes as pyarrow sees them: the file system, and the path in it where the lake begins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow import fs

from recon.store import aws

_CODES = {"ACCESS_DENIED": "AccessDenied", "NO_SUCH_BUCKET": "NoSuchBucket", "EXPIRED_TOKEN": "ExpiredToken",
          "INVALID_ACCESS_KEY_ID": "InvalidAccessKeyId", "SLOW_DOWN": "SlowDown", "THROTTLING": "Throttling"}


def filesystem(root: str) -> tuple[fs.FileSystem, str]:
    """(file system, base path) of a folder or s3:// address. Raises AwsRefused."""
    if not root.startswith("s3://"):
        return fs.LocalFileSystem(), root
    aws.require(f"lake {root}")
    # Arrow's S3 client does not read AWS_ENDPOINT_URL and would go to AWS itself.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return fs.S3FileSystem(endpoint_override=endpoint, region=region), root.removeprefix("s3://").rstrip("/")


def remove(files: fs.FileSystem, path: str) -> None:
    """Removes a folder with all that is in it; one that is not there is no error."""
    # delete_dir_contents would leave an empty object in the folder's place.
    if files.get_file_info(path).type != fs.FileType.NotFound:
        files.delete_dir(path)


def require_bucket(files: fs.FileSystem, path: str, what: str) -> None:
    """Raises AwsRefused, saying `what` names it, where the bucket of `path` is not there."""
    bucket = path.split("/", 1)[0]
    with plainly(what):
        if files.get_file_info(bucket).type == fs.FileType.NotFound:
            raise aws.AwsRefused(f"{what}: no such bucket ({bucket}); create it, or name one that exists")


class BucketFiles(ArrowFSWrapper):  # type: ignore[misc]
    """A file system as fsspec knows one, for DuckDB; names are taken as they are."""

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        # fsspec's own reads the address as a URL, and '?' in an object's name would begin a query.
        return path.removeprefix("s3://").rstrip("/")


@contextmanager
def plainly(what: str) -> Iterator[None]:
    """Turns an S3 error that pyarrow raises while doing `what` into AwsRefused."""
    try:
        yield
    except OSError as error:
        text = str(error)
        found = next((code for name, code in _CODES.items() if f"AWS Error {name} " in text), None)
        if found is None:
            raise
        raise aws.AwsRefused(f"{what}: {aws.plain_code({'Code': found})}") from error
