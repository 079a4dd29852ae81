"""A body as JSON: its size, its type, its encoding, card numbers, and what JSON itself leaves open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NoReturn

from pipeline.handlers.http.exchange import Request
from pipeline.handlers.http.pan import holds_card_number
from pipeline.handlers.http.problems import Problem, card_number, malformed

MAX_BYTES = 16 * 1024


class _Refused(ValueError):
    """JSON that no two readers understand alike."""


def json_of(request: Request, *, optional: bool = False) -> object:
    """The JSON value of the body; {} for an empty one where it is optional. Raises Problem (400, 413, 415, 422)."""
    if len(request.body) > MAX_BYTES:
        raise Problem(413, "too-large", "The body is too large", f"up to {MAX_BYTES} bytes are accepted")
    if optional and not request.body.strip():
        return {}
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise Problem(415, "media-type", "The body's type is not accepted", "application/json in UTF-8 is accepted")
    try:
        text = request.body.decode()
    except UnicodeDecodeError as error:
        raise malformed(f"not UTF-8 at byte {error.start}") from None
    if holds_card_number(text):
        raise card_number()
    value = _parsed(text)
    # Escapes can hide in the text what its strings say.
    if any(holds_card_number(string) for string in _strings(value)):
        raise card_number()
    return value


def _parsed(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_members, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except _Refused as error:
        raise malformed(str(error)) from None
    except RecursionError:
        raise malformed("nested too deeply") from None
    except ValueError:
        raise malformed("a number has too many digits") from None


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Refused("a member is given twice")
    return found


def _constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is no JSON")


def _strings(value: object) -> Iterator[str]:
    """Every string in a JSON value, member names too."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, dict):
            waiting += [*found.keys(), *found.values()]
        elif isinstance(found, list):
            waiting += found
