"""What measuring reads: the objects of the window's days, exposed to the engine and named by their digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from typing import Any

from recon.engine.port import Call, Engine
from recon.lake import Lake, LakeObject
from recon.latency.request import Request

REQUIRED = ("payment_states", "payment_events")
_WHOLE = ("feed_expectations", "business_days")
_CODE = ("recon.latency", "recon.sql", "recon.engine", "pipeline.schemas")

Objects = Mapping[str, Sequence[LakeObject]]


def select(lake: Lake, request: Request) -> Objects:
    """The objects of the days that the request needs. Raises Refused where the lake lacks one of REQUIRED."""
    for table in REQUIRED:
        lake.require(table)
    first, until = request.since.date(), _day_after(request.follow_until)
    objects = {table: lake.objects(table, dt_from=first, dt_until=until) for table in REQUIRED}
    objects["settlement_lines"] = lake.objects(
        "settlement_lines", dt_from=request.lines_since.date(), dt_until=_day_after(request.lines_until))
    return objects | {table: lake.objects(table) for table in _WHOLE}


def expose(engine: Engine, objects: Objects) -> None:
    """Make the tables known to the engine."""
    for table, items in objects.items():
        engine.expose(table, items)


def calls(request: Request) -> list[Call]:
    """The queries that read the lake's own tables, with their parameters."""
    return [
        ("latency_moves", moves_of(request)),
        ("latency_events", events_of(request)),
        ("latency_settled", settled_of(request)),
        ("expected_feeds", known_of(request)),
        ("calendar_days", known_of(request)),
    ]


def moves_of(request: Request) -> dict[str, Any]:
    """Parameters of latency_moves."""
    return {"since": request.since, "until": request.until, "follow_until": request.follow_until,
            "gateway": request.gateway}


def events_of(request: Request) -> dict[str, Any]:
    """Parameters of latency_events."""
    return {"since": request.since, "follow_until": request.follow_until}


def settled_of(request: Request) -> dict[str, Any]:
    """Parameters of latency_settled."""
    return {"lines_since": request.lines_since, "lines_until": request.lines_until}


def known_of(request: Request) -> dict[str, Any]:
    """Parameters of what reads reference data."""
    return {"known_at": request.lines_until}


def run_id(lake: Lake, request: Request, objects: Objects) -> str:
    """Hash of the window, the gateway, the bytes that were read and the code that read them."""
    said = {
        "since": request.since.isoformat(), "until": request.until.isoformat(), "gateway": request.gateway,
        "code": _code_digest(),
        "files": [[item.path, digest] for table in sorted(objects)
                  for item, digest in zip(objects[table], lake.digests(objects[table]), strict=True)],
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


def _code_digest() -> str:
    digest = hashlib.sha256()
    for package in _CODE:
        found = resources.files(package)
        for folder in (found, found.joinpath("latency")):
            for source in sorted(folder.iterdir() if folder.is_dir() else (), key=lambda item: item.name):
                if source.name.endswith((".py", ".sql")):
                    digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _day_after(instant: datetime) -> date:
    return (instant.astimezone(UTC) - timedelta(milliseconds=1)).date() + timedelta(days=1)
