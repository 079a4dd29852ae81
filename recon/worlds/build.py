"""A world on disk: lake, feeds, truth and world.json, made beside the target and moved there in one step."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from recon.errors import Refused
from recon.worlds.clock import rfc
from recon.worlds.frame import GENERATOR_VERSION
from recon.worlds.lake import write_lake
from recon.worlds.model import FeedFile, History
from recon.worlds.planting import defective_history
from recon.worlds.render import arrival, render
from recon.worlds.truth import CLASSES, truths_of
from recon.worlds.truth_rows import RunTruth, write_truth

MARK = "world.json"
PAYMENTS = (100, 5_000_000)
DAYS = (12, 366)

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """What makes a world: equal specs give byte-identical files."""

    seed: int
    payments: int
    days: int

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise Refused(f"--seed {self.seed}: a number of 0 or more is accepted")
        for name, value, (low, high) in (("payments", self.payments, PAYMENTS), ("days", self.days, DAYS)):
            if not low <= value <= high:
                raise Refused(f"--{name} {value}: a number from {low} to {high} is accepted")


def check_target(out: Path) -> None:
    """Refuse a folder with anything in it but an earlier world."""
    if out.exists() and not out.is_dir():
        raise Refused(f"{out} is a file; a folder that is new, empty or an earlier world is accepted")
    if out.exists() and any(out.iterdir()) and not (out / MARK).is_file():
        raise Refused(
            f"{out} is not empty and has no {MARK}: it is no world, so it is left alone; "
            "a new or empty folder, or an earlier world, is accepted"
        )


def history_of(spec: WorldSpec) -> History:
    """The history with its defects and its deliveries."""
    return defective_history(spec.seed, spec.payments, spec.days)


def build_world(spec: WorldSpec, out: Path, advance: Advance = lambda _: None) -> dict[str, object]:
    """Write the world of `spec` to `out`, replacing an earlier one, and return what world.json says."""
    check_target(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        history = history_of(spec)
        described = _write(spec, history, work, advance)
        (work / MARK).write_text(json.dumps(described, indent=1) + "\n")
        work.chmod(0o755)
        _swap(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return described


def _write(spec: WorldSpec, history: History, work: Path, advance: Advance) -> dict[str, object]:
    print_of_lake = write_lake(history, work / "lake", advance)
    write_feeds(history.files, work / "feeds", history.start)
    found = truths_of(history)
    write_truth(found, history.journal_ids, work / "truth")
    return {
        "seed": spec.seed,
        "payments": spec.payments,
        "days": spec.days,
        "generator": GENERATOR_VERSION,
        "lake": print_of_lake,
        "runs": [_described(truth) for truth in found],
        "classes_decided": sorted(CLASSES),
        "defects": dict(sorted(history.planted.items())),
    }


def _described(truth: RunTruth) -> dict[str, object]:
    run = truth.run
    return {
        "window": run.window,
        "as_of": rfc(run.as_of),
        "known_at": rfc(run.known_at),
        "cohort_from": rfc(run.cohort_from),
        "cohort_to": rfc(run.cohort_to),
        "pending": {"/".join(key): amount for key, amount in sorted(truth.pending.items())},
        "held": {"/".join(key): amount for key, amount in sorted(truth.held.items())},
    }


def write_feeds(files: list[FeedFile], folder: Path, start: int) -> None:
    """Write every delivery, and arrivals.json beside them."""
    folder.mkdir(parents=True)
    for file in files:
        (folder / file.name).write_bytes(render(file, start))
    arrivals = {file.name: arrival(file) for file in sorted(files, key=lambda f: f.name)}
    (folder / "arrivals.json").write_text(json.dumps(arrivals, indent=1) + "\n")


def _swap(work: Path, out: Path) -> None:
    """Put `work` in the place of `out`; an earlier world is moved aside first and removed last."""
    if not out.exists():
        os.rename(work, out)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.old.", dir=out.parent))
    os.rename(out, aside / "world")
    try:
        os.rename(work, out)
    except OSError:
        os.rename(aside / "world", out)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
