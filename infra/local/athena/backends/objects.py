"""The objects of a table with the values of its partition keys, found as Athena finds them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from infra.local.athena.catalog import Catalog, GlueTable
from infra.local.athena.errors import QueryFailed
from infra.local.athena.storage import Store

_JAVA = (("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S"))
_NOW = re.compile(r"NOW(?:([+-]\d+)(SECOND|MINUTE|HOUR|DAY|WEEK)S?)?")
_VARIABLE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True, slots=True)
class Object:
    """One file of a table; `keys` are the partition values as the path writes them."""

    url: str
    keys: dict[str, str]


def objects(table: GlueTable, catalog: Catalog, store: Store) -> list[Object]:
    """The files of `table`, sorted by address: those directly in a partition's folder, no hidden or empty ones."""
    if not table.keys:
        return _in_folder(store, table.location, {})
    if not table.projected:
        return sorted((item for location, values in catalog.partitions(table)
                       for item in _in_folder(store, location, values)), key=lambda item: item.url)
    template = table.parameters.get("storage.location.template") or _slashed(table.location) + "/".join(
        f"{key}=${{{key}}}" for key in table.keys)
    allowed = {key: _projection(table, key) for key in table.keys}
    pattern = _pattern(_slashed(template), list(table.keys))
    found = []
    for item in store.list(template.partition("${")[0]):
        match = pattern.fullmatch(item.url)
        if match and item.size and not _hidden(item.url):
            keys = {key: match[f"k{index}"] for index, key in enumerate(table.keys)}
            if all(allowed[key](value) for key, value in keys.items()):
                found.append(Object(item.url, keys))
    return found


def _in_folder(store: Store, location: str, keys: dict[str, str]) -> list[Object]:
    folder = _slashed(location)
    return [Object(item.url, keys) for item in store.list(folder)
            if item.size and "/" not in item.url[len(folder):] and not _hidden(item.url)]


def _pattern(template: str, keys: list[str]) -> re.Pattern[str]:
    seen: set[str] = set()
    parts = []
    for index, part in enumerate(_VARIABLE.split(template)):
        if index % 2 == 0:
            parts.append(re.escape(part))
        else:
            group = f"k{keys.index(part)}"
            parts.append(f"(?P={group})" if part in seen else f"(?P<{group}>[^/]+)")
            seen.add(part)
    return re.compile("".join(parts) + r"[^/]+", re.DOTALL)


def _projection(table: GlueTable, key: str) -> Callable[[str], bool]:
    """Whether a value of `key` is one of those that the table's properties project."""
    settings = {name.removeprefix(f"projection.{key}."): value for name, value in table.parameters.items()
                if name.startswith(f"projection.{key}.")}
    kind = settings.get("type", "")
    if kind == "enum":
        values = {value.strip() for value in settings["values"].split(",")}
        return values.__contains__
    if kind == "integer":
        low, high = (int(value) for value in settings["range"].split(","))
        digits, step = int(settings.get("digits", "1")), int(settings.get("interval", "1"))
        return lambda text: (text.isdigit() and len(text) >= digits and (len(text) == digits or text[0] != "0")
                             and low <= int(text) <= high and (int(text) - low) % step == 0)
    if kind == "date":
        form = settings["format"].replace("'", "")
        for java, python in _JAVA:
            form = form.replace(java, python)
        first, last = (_moment(value.strip(), form) for value in settings["range"].split(","))
        return lambda text: _within(text, form, first, last)
    raise QueryFailed("INVALID_TABLE_PROPERTY", f"Table {table.database}.{table.name} projects key {key} by type "
                      f"{kind!r}; this local server knows enum, integer and date")


def _moment(text: str, form: str) -> datetime:
    match = _NOW.fullmatch(text)
    if not match:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    shift = timedelta(**{f"{match[2].lower()}s": int(match[1])}) if match[1] else timedelta()
    return datetime.now(UTC) + shift


def _within(text: str, form: str, first: datetime, last: datetime) -> bool:
    try:
        value = datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return False
    # Another spelling of the same moment is another folder.
    return first <= value <= last and value.strftime(form) == text


def _hidden(url: str) -> bool:
    return url.rpartition("/")[2][0] in "._"


def _slashed(location: str) -> str:
    return location.rstrip("/") + "/"
