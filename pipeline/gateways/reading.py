"""Reads the JSON of a gateway's answer or webhook without trusting its shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]


class Unreadable(ValueError):
    """The text is no JSON object, or a field that must be there is absent or of another type."""


def json_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object that `text` is. Raises Unreadable."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("no JSON") from None
    if not isinstance(value, dict):
        raise Unreadable("no JSON object")
    return value


def text_at(value: Json, *path: str) -> str:
    """A text that is there and not empty. Raises Unreadable."""
    found = maybe_text(value, *path)
    if found is None:
        raise Unreadable(f"no text at {'.'.join(path)}")
    return found


def maybe_text(value: Json, *path: str) -> str | None:
    """A text, or None where it is absent, empty or something else."""
    found = _at(value, path)
    return found if isinstance(found, str) and found else None


def whole_at(value: Json, *path: str) -> int:
    """A whole number. Raises Unreadable."""
    found = maybe_whole(value, *path)
    if found is None:
        raise Unreadable(f"no whole number at {'.'.join(path)}")
    return found


def maybe_whole(value: Json, *path: str) -> int | None:
    """A whole number, or None where it is absent or something else."""
    found = _at(value, path)
    return found if type(found) is int else None


def object_at(value: Json, *path: str) -> Json:
    """An object, empty where it is absent or something else."""
    found = _at(value, path)
    return found if isinstance(found, Mapping) else {}


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
