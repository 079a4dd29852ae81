"""What a run reads: the objects of the lake that were known, exposed to the engine and listed in the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from recon.engine.port import Engine
from recon.errors import Refused
from recon.lake import KNOWN_BY_OBJECT, Lake, LakeObject
from recon.match.feed_book import FeedBook
from recon.match.finding import utc
from recon.match.manifest_file import read_manifest
from recon.match.policy import Policy
from recon.match.request import Request

WINDOWED = ("ledger_entries", "payment_states", "ledger_control", "settlement_lines", "status_lines")
WHOLE = ("feed_files", "batches", "feed_expectations", "business_days")
_OF_A_DAY = ("ledger_entries", "ledger_control", "settlement_lines")
"""What a day of which a lake holds anything has some of."""
_CODE = ("recon.match", "recon.sql", "recon.engine", "pipeline.schemas")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Objects by table, their manifest entries, how many objects landed too late to count, and which are lost."""

    objects: Mapping[str, Sequence[LakeObject]]
    files: Sequence[Mapping[str, Any]]
    later_files: int
    lost: Sequence[str]
    """Paths that lake_files lists and the lake lacks."""
    book: FeedBook
    """The gateways' files that were known."""

    def landed_at(self) -> dict[str, datetime]:
        """When each ledger object landed, by path."""
        return {item.path: item.landed_at for item in self.objects["ledger_entries"]}

    def ledger_from(self) -> datetime | None:
        """The first hour of which the run reads ledger entries; None where it reads none."""
        first = min((item.path for item in self.objects["ledger_entries"]), default=None)
        if first is None:
            return None
        at = dict(part.split("=", 1) for part in first.split("/") if "=" in part)
        return datetime.fromisoformat(f"{at['dt']}T{at['hr']}:00:00+00:00")


def select(lake: Lake, request: Request, engine: Engine) -> Inputs:
    """The objects that the run may read: of the search range and landed before known_at, or those of a manifest.

    Exposes and reads feed_files on the way, to see which files were known. Raises Refused where the lake has no
    ledger_entries, nothing at all of the cohort, or where an object of the manifest is gone or changed.
    """
    lake.require("ledger_entries")
    first, until = request.search_from.date(), _day_after(request.as_of)
    present = {table: lake.objects(table, dt_from=first, dt_until=until) for table in WINDOWED}
    present |= {table: lake.objects(table) for table in WHOLE}
    if request.manifest:
        objects, files = _from_manifest(lake, present, request.manifest)
        engine.expose("feed_files", objects["feed_files"])
        return Inputs(objects, files, 0, (), FeedBook.read(engine.fetch("feed_files")).known_at(request.known_at))
    engine.expose("feed_files", present["feed_files"])
    offered = FeedBook.read(engine.fetch("feed_files"))
    paths, file_ids = offered.objects_after(request.known_at)
    objects = {
        table: [item for item in items if item.landed_at < request.known_at]
        if table in KNOWN_BY_OBJECT
        else [item for item in items if item.path not in paths and Path(item.path).stem not in file_ids]
        for table, items in present.items()
    }
    later = sum(len(present[table]) - len(objects[table]) for table in KNOWN_BY_OBJECT & set(WINDOWED)) + len(paths)
    _require_data(lake, request, objects)
    files = [entry for table in sorted(objects) for entry in lake.manifest_entries(objects[table])]
    lost = [
        item.path
        for table in sorted(KNOWN_BY_OBJECT & set(WINDOWED))
        for item in lake.lost(table, dt_from=first, dt_until=until)
        if item.landed_at < request.known_at
    ]
    return Inputs(objects, files, later, lost, offered.of_objects({item.path for item in objects["feed_files"]}))


def check(lake: Lake, request: Request) -> None:
    """What can be refused by looking at folders alone, as select() would: for whoever wants to know before the work."""
    lake.require("ledger_entries")
    if request.manifest:
        read_manifest(request.manifest)
        return
    first, until = request.cohort_from.date(), _day_after(request.cohort_to)
    objects = {
        table: lake.objects(table, dt_from=first, dt_until=until, known_at=request.known_at) for table in _OF_A_DAY
    }
    _require_data(lake, request, objects)


def expose(engine: Engine, inputs: Inputs) -> None:
    """Make the run's tables known to the engine; feed_files has been read, whose objects are as many as files came."""
    for table, objects in inputs.objects.items():
        if table != "feed_files":
            engine.expose(table, objects)


def manifest(request: Request, inputs: Inputs, policy: Policy) -> dict[str, Any]:
    """What repeats this run: parameters, objects with digests, policy and code."""
    return {
        "window": request.window,
        "as_of": utc(request.as_of),
        "known_at": request.known_at.isoformat().replace("+00:00", "Z"),
        "code": code_digest(),
        "policy": policy.digest,
        "lake": {"files": [_entry(entry) for entry in inputs.files]},
    }


def run_id(manifest_: Mapping[str, Any]) -> str:
    """Hash of window, as_of, known_at, inputs, policy and code version."""
    return hashlib.sha256(json.dumps(manifest_, sort_keys=True).encode()).hexdigest()[:32]


def code_digest() -> str:
    """Hex SHA-256 over the sources that decide what a run says."""
    digest = hashlib.sha256()
    for package in _CODE:
        for source in sorted(resources.files(package).iterdir(), key=lambda item: item.name):
            if source.name.endswith((".py", ".sql", ".json")):
                digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _require_data(lake: Lake, request: Request, objects: Mapping[str, Sequence[LakeObject]]) -> None:
    """A cohort of which the lake holds no entries, no control and no lines is a wrong window, not a quiet one."""
    tables = _OF_A_DAY[:2]
    days = {f"dt={day}" for day in _days(request.cohort_from, request.cohort_to)}
    if any(days & set(item.path.split("/")) for table in _OF_A_DAY for item in objects[table]):
        return
    held = sorted({item.path.split("/")[1] for table in tables for item in lake.objects(table)})
    what = f"it holds {held[0]} to {held[-1]}" if held else "it holds no ledger entries at all"
    late = (
        "" if not set(held) & days else "; those days landed later than known_at: give --known-at now to take them in"
    )
    raise Refused(
        f"lake {lake.root} has nothing of {request.window} as of {utc(request.as_of)}, "
        f"cohort {utc(request.cohort_from)} to {utc(request.cohort_to)}: {what}{late}"
    )


def _days(start: datetime, end: datetime) -> list[date]:
    count = (_day_after(end) - start.date()).days
    return [start.date() + timedelta(days=offset) for offset in range(count)]


def _from_manifest(
    lake: Lake, present: Mapping[str, Sequence[LakeObject]], path: str
) -> tuple[dict[str, list[LakeObject]], list[Mapping[str, Any]]]:
    listed: list[Mapping[str, Any]] = read_manifest(path)["lake"]["files"]
    by_path = {item.path: item for items in present.values() for item in items}
    gone = [entry["path"] for entry in listed if entry["path"] not in by_path]
    if gone:
        more = f" (and {len(gone) - 1} more)" if gone[1:] else ""
        raise Refused(
            f"{path} lists {gone[0]}{more}, which the lake has not; "
            "a manifest repeats a run only on exactly its objects"
        )
    chosen = [by_path[entry["path"]] for entry in listed]
    changed = lake.changed(chosen, [str(entry["digest"]) for entry in listed])
    if changed:
        more = f" (and {len(changed) - 1} more)" if changed[1:] else ""
        raise Refused(
            f"{changed[0].path}{more} changed since {path} was written; "
            "a manifest repeats a run only on exactly its objects"
        )
    objects: dict[str, list[LakeObject]] = {table: [] for table in present}
    for item in chosen:
        objects[item.table].append(item)
    return objects, list(listed)


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest entry; when a table's knowledge is in its rows, the object's own time says nothing."""
    kept = dict(entry)
    if entry["table"] not in KNOWN_BY_OBJECT:
        kept["landed_at"] = None
    return kept


def _day_after(instant: datetime) -> date:
    return (instant.astimezone(UTC) - timedelta(milliseconds=1)).date() + timedelta(days=1)
