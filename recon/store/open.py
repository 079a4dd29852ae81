"""The store that an address means."""

from __future__ import annotations

from pathlib import Path

from recon.store.local import LocalStore
from recon.store.port import Store


def open_store(root: str | Path) -> Store:
    """A folder of this machine, or s3://bucket/prefix. Raises StoreRefused."""
    if str(root).startswith("s3:"):
        # boto3 costs a third of a second to import, and most lakes on a laptop are folders.
        from recon.store.s3 import S3Store

        return S3Store(str(root))
    return LocalStore(root)
