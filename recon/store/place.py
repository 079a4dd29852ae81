"""A folder or bucket that is written to: the break register's part of a lake, and where scheduled runs leave theirs.

Two writers never lose each other's work: what must be first is created only where nothing lies, and what changes is
replaced only while it is still what its writer has read.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from recon.store.local import LocalStore
from recon.store.port import Absent, Store, StoreRefused


class Place(Store, Protocol):
    """A store that can be written to. Paths are relative to its root, with '/'."""

    def create(self, path: str, body: bytes) -> bool:
        """Writes an object where none lies; False, with nothing changed, where one does.

        After a lost answer the one that does may be the caller's own: who is told False looks.
        """
        ...

    def tagged(self, path: str) -> tuple[bytes, str]:
        """All bytes of one object, and the tag that replace() takes. Raises Absent."""
        ...

    def replace(self, path: str, body: bytes, tag: str) -> bool:
        """Writes an object while it still has `tag`; False, with nothing changed, where it is another or gone.

        As for create(), the other may be the caller's own.
        """
        ...

    def put(self, path: str, body: bytes) -> None:
        """Writes an object, whatever lies there, in one step."""
        ...

    def remove(self, path: str) -> None:
        """Removes an object; one that is not there is no error."""
        ...


def open_place(root: str | Path) -> Place:
    """A folder of this machine, made if absent, or s3://bucket/prefix, which may be empty. Raises StoreRefused."""
    if str(root).startswith("s3:"):
        from recon.store.s3_place import S3Place

        return S3Place(str(root))
    if "://" in str(root):
        raise StoreRefused(f"{str(root)!r} is no place to write to; accepted: a folder, or s3://bucket/prefix")
    return LocalPlace(root)


class LocalPlace(LocalStore):
    """See Place. Raises StoreRefused where the folder cannot be made."""

    def __init__(self, root: str | Path) -> None:
        try:
            Path(root).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreRefused(f"{root} cannot be made a folder: {error.strerror}; name another place") from None
        super().__init__(root)

    def create(self, path: str, body: bytes) -> bool:
        """See Place."""
        with self._written(path, body) as (part, at):
            try:
                os.link(part, at)
            except FileExistsError:
                return False
        return True

    def tagged(self, path: str) -> tuple[bytes, str]:
        """See Place."""
        body = self.read(path)
        return body, _tag(body)

    def replace(self, path: str, body: bytes, tag: str) -> bool:
        """See Place."""
        with self._written(path, body) as (part, at), self._alone():
            try:
                if _tag(self.read(path)) != tag:
                    return False
            except Absent:
                return False
            part.replace(at)
        return True

    def put(self, path: str, body: bytes) -> None:
        """See Place."""
        with self._written(path, body) as (part, at), self._alone():
            part.replace(at)

    def remove(self, path: str) -> None:
        """See Place."""
        with self._alone():
            Path(f"{self.root}/{path}").unlink(missing_ok=True)

    @contextmanager
    def _written(self, path: str, body: bytes) -> Iterator[tuple[Path, Path]]:
        """(a file beside its place with all of `body`, safe on the disk, and that place)."""
        at = Path(f"{self.root}/{path}")
        part = at.with_name(f".{at.name}.{uuid.uuid4().hex}")
        try:
            at.parent.mkdir(parents=True, exist_ok=True)
            with part.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            yield part, at
        except OSError as error:
            raise StoreRefused(f"{at} cannot be written: {error.strerror}; mend that, then repeat") from None
        finally:
            with suppress(OSError):
                part.unlink()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other writer of this folder looks at a tag and writes in between."""
        with Path(f"{self.root}/.writing.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _tag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
