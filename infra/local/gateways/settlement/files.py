"""Reports as files: each written whole, once, with what is known of it in arrivals.json beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from pathlib import Path
from typing import Any

from infra.local.gateways.model import SECOND
from infra.local.gateways.report import iso_time

ARRIVALS = "arrivals.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """A report to be: the day on which it pays, the movements [since, until) in it, when it is ready."""

    day: date
    since: int
    until: int
    ready: int


@dataclass(frozen=True, slots=True)
class Report:
    """A report's file, and the facts that hold once it is written.

    `told` is what it says line by line and payout by payout, `beside` the reports that come with it.
    """

    name: str
    text: str
    facts: dict[str, str] = field(default_factory=dict)
    told: Sequence[Mapping[str, Any]] = ()
    beside: Sequence[Report] = ()


def write(folder: Path, account: str, planned: Plan, report: Report) -> None:
    """Writes file and arrival, each complete or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / report.name, report.text)
    arrivals: dict[str, Any] = {}
    if (folder / ARRIVALS).exists():
        arrivals = json.loads((folder / ARRIVALS).read_text(encoding="utf-8"))
    arrivals[report.name] = {
        "received_at": iso_time(planned.ready), "covers_from": iso_time(planned.since),
        "covers_until": iso_time(planned.until), "gateway_account": account}
    _replace(folder / ARRIVALS, json.dumps(arrivals, indent=1))


def day_of(at: int, zone: tzinfo) -> date:
    """The local day of an instant."""
    return datetime.fromtimestamp(at // SECOND, zone).date()


def starts(day: date, zone: tzinfo) -> int:
    """The first instant of a local day."""
    return int(datetime.combine(day, time(), zone).timestamp()) * SECOND


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
