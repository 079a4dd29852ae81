"""Reading the manifest.json of an earlier run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recon.errors import Refused


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest. Raises Refused where the file is none."""
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for key in ("window", "as_of", "known_at"):
            value[key] = str(value[key])
        for entry in value["lake"]["files"]:
            entry["path"], entry["digest"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"manifest {path} cannot be read: {type(error).__name__} {error}"
        raise Refused(f"{what}; accepted: the manifest.json of an earlier run") from None
    return value
