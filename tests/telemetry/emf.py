"""Reads a line as CloudWatch does: the embedded metric format with its limits.

It knows nothing of the code that writes such lines. Raises AssertionError naming what breaks.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

EVENT_BYTES = 256 * 1024
METRICS_PER_DIRECTIVE, DIMENSION_KEYS, VALUES_PER_METRIC = 100, 30, 100
VALUE_LENGTH, DIMENSION_KEY_LENGTH, NAME_LENGTH = 1024, 250, 1024
UNITS = frozenset(
    "Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits Gigabits"
    " Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second"
    " Bits/Second Kilobits/Second Megabits/Second Gigabits/Second Terabits/Second Count/Second None".split())


@dataclass(frozen=True)
class Datum:
    """One metric with one set of dimensions (sorted), as it would be kept."""

    namespace: str
    name: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    values: tuple[float, ...]


def parse(line: str) -> list[Datum]:
    """What CloudWatch makes of a line of a log: no metric where it is no document of the format."""
    text = line.removesuffix("\n")
    holds("\n" not in text, "one event is one line")
    holds(len(text.encode()) <= EVENT_BYTES, "an event has 256 KiB at most")
    document = json.loads(text)
    holds(isinstance(document, dict), "the root is an object")
    if "_aws" not in document:
        return []
    about = document["_aws"]
    stamp, directives = about["Timestamp"], about["CloudWatchMetrics"]
    holds(type(stamp) is int, "a time is a whole number")
    holds(10**12 < stamp < 10**13, "a time is in milliseconds since 1970")
    holds(isinstance(directives, list), "directives are a list")
    holds(directives, "there is a directive")
    return [datum for directive in directives for datum in _directive(directive, document)]


def holds(found: object, what: str) -> None:
    """Raises AssertionError saying what does not hold."""
    assert found, what


def _directive(directive: dict[str, Any], document: dict[str, Any]) -> list[Datum]:
    holds(directive.keys() == {"Namespace", "Dimensions", "Metrics"}, "a directive has three members")
    namespace = directive["Namespace"]
    holds(isinstance(namespace, str), "a namespace is a text")
    holds(1 <= len(namespace) <= NAME_LENGTH, "a namespace has 1 to 1,024 characters")
    holds(1 <= len(directive["Metrics"]) <= METRICS_PER_DIRECTIVE, "a directive has 1 to 100 metrics")
    found = []
    for keys in directive["Dimensions"]:
        holds(len(keys) <= DIMENSION_KEYS, "a set has 30 dimensions at most")
        holds(len(set(keys)) == len(keys), "a dimension is named once")
        dimensions = tuple(sorted((key, _dimension(key, document)) for key in keys))
        for metric in directive["Metrics"]:
            holds(metric.keys() <= {"Name", "Unit", "StorageResolution"}, "a metric has three members")
            holds(metric["Unit"] in UNITS, "the unit is one of CloudWatch's")
            holds(1 <= len(metric["Name"]) <= NAME_LENGTH, "a name has 1 to 1,024 characters")
            found.append(Datum(namespace, metric["Name"], metric["Unit"], dimensions,
                               _values(document[metric["Name"]])))
    return found


def _dimension(key: str, document: dict[str, Any]) -> str:
    holds(1 <= len(key) <= DIMENSION_KEY_LENGTH, "a dimension's name has 1 to 250 characters")
    value: str = document[key]
    holds(isinstance(value, str), "a dimension's value is a text at the root")
    holds(1 <= len(value) <= VALUE_LENGTH, "a dimension's value has 1 to 1,024 characters")
    holds(value.isascii(), "a dimension's value is ASCII")
    holds(value.strip(), "a dimension's value is not blank")
    return value


def _values(target: Any) -> tuple[float, ...]:
    values = target if isinstance(target, list) else [target]
    holds(1 <= len(values) <= VALUES_PER_METRIC, "a metric has 1 to 100 values")
    for value in values:
        holds(isinstance(value, int | float) and not isinstance(value, bool), "a value is a number")
        holds(math.isfinite(value), "a value is finite")
        holds(abs(value) <= 2**360, "a value is within -2^360 to 2^360")
    return tuple(values)
