"""recon_runs: which runs are in the register, each with the entry up to which it had been taken in."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from pipeline.schemas.reference import RECON_RUNS
from recon.breaks.errors import LogBroken
from recon.breaks.files import Unreadable, decode, encode, read_all
from recon.store.place import Place
from recon.store.port import Store

FOLDER = RECON_RUNS.name
_NAME = re.compile(r"([A-Za-z0-9_-]{1,64})\.parquet")
_TIMES = ("as_of", "known_at", "cohort_from", "cohort_to", "recorded_at")


@dataclass(frozen=True, slots=True)
class RunRow:
    """One registered run; times are aware UTC."""

    run_id: str
    window: str
    as_of: datetime
    known_at: datetime
    status: str
    cohort_from: datetime
    cohort_to: datetime
    engine: str | None
    log_entry_id: str | None
    recorded_at: datetime


def read_runs(store: Store) -> dict[str, RunRow]:
    """Registered runs by run_id. Raises LogBroken naming the object that is none."""
    here = store.entries(FOLDER) or ()
    names = sorted(entry.name for entry in here if not entry.folder and entry.name[0] not in "._")
    found = {}
    for name, body in zip(names, read_all(store, [f"{FOLDER}/{name}" for name in names]), strict=True):
        where = f"{store.root}/{FOLDER}/{name}"
        match = _NAME.fullmatch(name)
        if not match:
            raise LogBroken(where, "recon_runs holds one object per run, named RUN_ID.parquet, and nothing else")
        try:
            [row] = decode(RECON_RUNS, body)
            found[match[1]] = _run(row, match[1])
        except Unreadable as error:
            raise LogBroken(where, str(error)) from None
        except (ValueError, TypeError, AttributeError):
            raise LogBroken(where, "exactly one row, of the run that its name says, was expected") from None
    return found


def create_run(place: Place, run: RunRow) -> None:
    """Register `run`; a run that is there stays as it is."""
    row = asdict(run) | {name: getattr(run, name).astimezone(UTC).replace(tzinfo=None) for name in _TIMES}
    place.create(f"{FOLDER}/{run.run_id}.parquet", encode(RECON_RUNS, [row]))


def _run(row: dict[str, Any], run_id: str) -> RunRow:
    times = {name: row[name].replace(tzinfo=UTC) for name in _TIMES}
    if row["run_id"] != run_id:
        raise ValueError(run_id)
    return RunRow(**{field.name: row[field.name] for field in fields(RunRow)} | times)
