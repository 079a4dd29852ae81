"""Reading the manifest.json of an earlier run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recon.errors import Refused
from recon.store.open import open_store


def read_manifest(path: str) -> dict[str, Any]:
    """The manifest at a path of this machine or an s3:// address. Raises Refused where it is none."""
    try:
        value: dict[str, Any] = json.loads(_text(path))
        for key in ("window", "as_of", "known_at"):
            value[key] = str(value[key])
        for entry in value["lake"]["files"]:
            entry["path"], entry["digest"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"manifest {path} cannot be read: {type(error).__name__} {error}"
        raise Refused(f"{what}; accepted: the manifest.json of an earlier run") from None
    return value


def _text(path: str) -> str:
    if not path.startswith("s3:"):
        return Path(path).read_text(encoding="utf-8")
    folder, _, name = path.rpartition("/")
    return open_store(folder).read(name).decode()
