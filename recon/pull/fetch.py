"""One object from S3 into the lake: whole and readable under its name, or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from recon.pull.listing import Brought
from recon.pull.remote import Remote, Source
from recon.store.port import StoreRefused

Advance = Callable[[int], None]
_PIECE = 1 << 20


class Unreadable(Exception):
    """The object's bytes are not what they should be; str() says how."""


class Broken(Unreadable):
    """The bytes did not come to their end: they may the next time."""


class Stopped(Exception):
    """Another object's fate has ended the pull."""


def fetch(source: Source, wanted: Remote, lake: Path, scratch: Path, *, advance: Advance,
          stopped: Callable[[], bool]) -> Brought:
    """Brings one object; where it was put anew since it was listed, as it is now.

    Raises Unreadable, Stopped, StoreRefused (Absent where it has gone) and OSError, with the lake as it was.
    """
    entry, pieces = source.stream(wanted.path)
    now = Remote.of(wanted.table, wanted.path, entry)
    digest, size = hashlib.sha256(), 0
    temporary = scratch / hashlib.sha256(wanted.path.encode()).hexdigest()
    try:
        with temporary.open("wb") as file:
            for piece in _coming(pieces):
                file.write(piece)
                digest.update(piece)
                size += len(piece)
                advance(len(piece))
                if stopped():
                    raise Stopped
        if size != now.size_bytes:
            raise Broken(f"{size} bytes arrived, {now.size_bytes} are announced")
        rows = _rows(temporary)
        _put(temporary, lake / wanted.path, now)
    except BaseException:
        temporary.unlink(missing_ok=True)
        advance(-size)
        raise
    return Brought(now, digest.hexdigest(), rows)


def here(wanted: Remote, lake: Path) -> Brought | None:
    """The object if its very bytes lie in the lake already, as a pull leaves them that was killed; None if not.

    Only an entity tag that is the MD5 of the bytes shows that.
    """
    path = lake / wanted.path
    if not path.is_file() or path.stat().st_size != wanted.size_bytes:
        return None
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            md5.update(piece)
            sha256.update(piece)
    if md5.hexdigest() != wanted.etag:
        return None
    try:
        rows = _rows(path)
    except Unreadable:
        return None
    _dated(path, wanted)
    return Brought(wanted, sha256.hexdigest(), rows)


def _coming(pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    except StoreRefused as error:
        raise Broken(str(error)) from error


def _rows(path: Path) -> int:
    """Rows by the Parquet footer. Raises Unreadable."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).replace(str(path), "it").splitlines()[0]
        raise Unreadable(f"it cannot be read as Parquet: {reason}") from None


def _put(temporary: Path, target: Path, remote: Remote) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # A run that meets the object before the listing names it takes the file's time for its landing.
    _dated(temporary, remote)
    os.replace(temporary, target)


def _dated(path: Path, remote: Remote) -> None:
    milliseconds = round(remote.landed_at.timestamp() * 1000)
    os.utime(path, ns=(milliseconds * 1_000_000, milliseconds * 1_000_000))
