"""Where a lake's bytes lie: what the rest of the project asks of a folder or a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from recon.errors import Refused


class StoreRefused(Refused):
    """A folder or bucket cannot be read: the message names the place and the next step."""


class Absent(StoreRefused):
    """There is no such object."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder; `modified_ms` counts milliseconds since 1970 UTC; folders have no size and no etag.

    `etag` changes whenever the bytes do; only stores that keep one without reading the bytes give it.
    """

    name: str
    folder: bool
    modified_ms: int
    size_bytes: int = 0
    etag: str | None = None


class Store(Protocol):
    """Paths are relative to the store's root, with '/'."""

    root: str
    """Folder or s3:// address, without a '/' at its end: what stands before '/' and an object's path."""

    def entries(self, folder: str) -> list[Entry] | None:
        """What lies directly in `folder`, or None when there is no such folder."""
        ...

    def files(self, folder: str, depth: int) -> list[Entry]:
        """Files exactly `depth` folders below `folder`, each named by its path from there; none where it is absent."""
        ...

    def read(self, path: str) -> bytes:
        """All bytes of one object. Raises Absent."""
        ...
