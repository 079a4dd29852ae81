"""A lake in a folder of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from recon.store.port import Absent, Entry, StoreRefused


class LocalStore:
    """See Store. Raises StoreRefused where `root` is no folder."""

    def __init__(self, root: str | Path) -> None:
        path = Path(root)
        if not path.is_dir():
            raise StoreRefused(f"no lake at {root}: expected a folder that holds one folder per table, e.g. "
                               f"{path / 'ledger_entries' / 'dt=YYYY-MM-DD' / 'hr=HH'}, or s3://bucket/prefix")
        self.root = path.absolute().as_posix().rstrip("/")

    def entries(self, folder: str) -> list[Entry] | None:
        """See Store."""
        try:
            with os.scandir(f"{self.root}/{folder}") as found:
                return [entry for item in found if (entry := _entry(item))]
        except (FileNotFoundError, NotADirectoryError):
            return None

    def files(self, folder: str, depth: int) -> list[Entry]:
        """See Store."""
        found = self.entries(folder) or []
        if depth == 0:
            return [entry for entry in found if not entry.folder]
        return [Entry(f"{entry.name}/{below.name}", False, below.modified_ms, below.size_bytes)
                for entry in found if entry.folder for below in self.files(f"{folder}/{entry.name}", depth - 1)]

    def read(self, path: str) -> bytes:
        """See Store."""
        try:
            return Path(f"{self.root}/{path}").read_bytes()
        except FileNotFoundError:
            raise Absent(f"{path} is gone from lake {self.root}") from None


def _entry(item: os.DirEntry[str]) -> Entry | None:
    """None for what was taken away while the folder was listed: a writer's part that has found its place."""
    if item.is_dir():
        return Entry(item.name, True, 0)
    try:
        facts = item.stat()
    except FileNotFoundError:
        return None
    return Entry(item.name, False, facts.st_mtime_ns // 1_000_000, facts.st_size)
