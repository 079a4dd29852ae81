"""How well runs found what is true: precision and recall per class, false and missed matches, unexplained money."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.schemas import ledger
from recon.errors import Refused

PIPELINE_TABLES = frozenset(table.name for table in ledger.TABLES)

Finding = tuple[str, str, str | None, int]
"""Class, subject, currency, diff: what makes two rows the same divergence."""

Claim = tuple[str, str]
"""Journal id and line id."""

RunKey = tuple[str, str, str]
"""Window, as_of, known_at, as text to the second."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one class, or of all."""

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
        )

    @property
    def precision(self) -> float | None:
        """Share of what was reported that is true; None when nothing was reported."""
        return _share(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> float | None:
        """Share of what is true that was reported; None when nothing is true."""
        return _share(self.true_positive, self.true_positive + self.false_negative)


@dataclass(slots=True)
class Score:
    """The result over one or several runs. A class without instances has no tally (null)."""

    classes: dict[str, Tally | None]
    false_matches: int = 0
    missed_matches: int = 0
    unexplained_minor: int = 0
    runs: list[RunKey] = field(default_factory=list)

    @property
    def total(self) -> Tally:
        """All classes together."""
        return sum((tally for tally in self.classes.values() if tally), Tally())

    def to_dict(self) -> dict[str, Any]:
        """What `recon score --json` prints."""
        return {
            "precision": self.total.precision,
            "recall": self.total.recall,
            "false_matches": self.false_matches,
            "missed_matches": self.missed_matches,
            "unexplained_minor": self.unexplained_minor,
            "classes": {
                name: tally
                and {
                    "true_positive": tally.true_positive,
                    "false_positive": tally.false_positive,
                    "false_negative": tally.false_negative,
                }
                for name, tally in sorted(self.classes.items())
            },
        }


@dataclass(frozen=True, slots=True)
class World:
    """What a world says about itself."""

    folder: Path
    runs: frozenset[RunKey]
    classes: frozenset[str]
    objects: Mapping[str, str]

    @classmethod
    def open(cls, folder: Path) -> World:
        """Read world.json and the list of lake objects. Raises Refused where this is no world."""
        about = _json(folder / "world.json", "the world.json of a world made by `recon world`")
        listed = _table(folder / "lake" / "lake_files" / "part-0.parquet", ("path", "digest"))
        try:
            runs = frozenset(_run_key(run) for run in about["runs"])
            classes = frozenset(about["classes_decided"])
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(
                f"{folder / 'world.json'} is no world.json ({type(error).__name__} {error}); the file that "
                "`recon world` wrote is accepted"
            ) from None
        return cls(folder, runs, classes, dict(zip(*(listed[c].to_pylist() for c in ("path", "digest")), strict=True)))

    def check(self, run: Path) -> RunKey:
        """The run's key. Raises Refused for a run that the world does not list, or of another lake."""
        summary = _json(run / "summary.json", "the folder of a finished `recon run`")
        try:
            key = _run_key(summary)
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(
                f"{run / 'summary.json'}: {type(error).__name__} {error}; the summary of a finished run is accepted"
            ) from None
        if key not in self.runs:
            raise Refused(
                f"{run}: the world has no run {_told(key)}; it has {'; '.join(map(_told, sorted(self.runs)))}"
            )
        manifest = _json(run / "manifest.json", "the folder of a finished `recon run`")
        lake = manifest.get("lake")
        files = lake.get("files") if isinstance(lake, dict) else None
        ours = [f for f in files or [] if f.get("table") in PIPELINE_TABLES]
        strange = [f["path"] for f in ours if self.objects.get(f["path"]) != f["digest"]]
        if strange or not ours:
            what = (
                f"its object {strange[0]} is not in this world's lake"
                if strange
                else "its manifest lists no lake objects"
            )
            raise Refused(f"{run} is a run of another lake: {what}; runs over {self.folder / 'lake'} are accepted")
        return key


def score(world: World, runs: Sequence[Path]) -> Score:
    """Compare finished runs with the world's truth. Raises Refused for runs that do not belong to it."""
    keys = [world.check(run) for run in runs]
    for key, run in zip(keys, runs, strict=True):
        if keys.count(key) > 1:
            raise Refused(f"{run}: run {_told(key)} is given twice; each run once is accepted")
    truth = _table(world.folder / "truth" / "divergences.parquet", ("class", "subject_id", "currency", "diff_minor"))
    claims = _table(
        world.folder / "truth" / "matches.parquet", ("journal_id", "gateway", "gateway_account", "native_id")
    )
    result = Score(dict.fromkeys(world.classes), runs=keys)
    for key, run in zip(keys, runs, strict=True):
        expected = Counter(_findings(_of_run(truth, key), world.classes))
        rows = _table(run / "divergences.parquet", ("class", "subject_id", "currency", "diff_minor"))
        _count(result, expected, Counter(_findings(rows, world.classes)))
        true_claims = set(_true_claims(_of_run(claims, key)))
        found = _table(run / "matches.parquet", ("journal_id", "line_id"))
        made = set(zip(found["journal_id"].to_pylist(), found["line_id"].to_pylist(), strict=True))
        result.false_matches += len(made - true_claims)
        result.missed_matches += len(true_claims - made)
        totals = _json(run / "summary.json", "the folder of a finished `recon run`")["totals"]
        result.unexplained_minor += sum(abs(total["unexplained_minor"]) for total in totals)
    return result


def line_id(gateway: str, account: str, native_id: str) -> str:
    """Hex SHA-256 that names a line in the lake: gateway, account and native id, one to a text line."""
    return hashlib.sha256(f"{gateway}\n{account}\n{native_id}".encode()).hexdigest()


def _count(result: Score, expected: Counter[Finding], found: Counter[Finding]) -> None:
    for finding in expected.keys() | found.keys():
        same = min(expected[finding], found[finding])
        tally = Tally(same, found[finding] - same, expected[finding] - same)
        result.classes[finding[0]] = (result.classes[finding[0]] or Tally()) + tally


def _findings(rows: pa.Table, classes: Iterable[str]) -> Iterable[Finding]:
    columns = (rows[name].to_pylist() for name in ("class", "subject_id", "currency", "diff_minor"))
    return [row for row in zip(*columns, strict=True) if row[0] in classes]


def _true_claims(rows: pa.Table) -> Iterable[Claim]:
    columns = (rows[name].to_pylist() for name in ("journal_id", "gateway", "gateway_account", "native_id"))
    for journal_id, *line in zip(*columns, strict=True):
        yield journal_id, line_id(*line)


def _of_run(rows: pa.Table, key: RunKey) -> pa.Table:
    window, as_of, known_at = key
    mine = pc.equal(rows["window"], pa.scalar(window))
    for name, value in (("as_of", as_of), ("known_at", known_at)):
        at = datetime.fromisoformat(value).replace(tzinfo=None)
        mine = pc.and_(mine, pc.equal(rows[name], pa.scalar(at, pa.timestamp("ms"))))
    return rows.filter(mine)


def _run_key(told: Mapping[str, Any]) -> RunKey:
    as_of, known_at = (datetime.fromisoformat(told[name]).astimezone(UTC).isoformat() for name in ("as_of", "known_at"))
    return str(told["window"]), as_of, known_at


def _told(key: RunKey) -> str:
    return f"{key[0]} as of {key[1][:16]}Z" + (f" known at {key[2][:16]}Z" if key[2] != key[1] else "")


def _json(path: Path, accepted: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read ({type(error).__name__})"
        raise Refused(f"{path} {why}; accepted: {accepted}") from None
    if not isinstance(value, dict):
        raise Refused(f"{path} holds no object; accepted: {accepted}")
    return value


def _table(path: Path, columns: Sequence[str]) -> pa.Table:
    try:
        rows = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        why = "is not there" if isinstance(error, FileNotFoundError) else "is no Parquet file"
        raise Refused(f"{path} {why}; accepted: the file that `recon world` or `recon run` wrote") from None
    missing = [name for name in columns if name not in rows.column_names]
    if missing:
        raise Refused(
            f"{path} has no column {', '.join(missing)}; accepted: the file that `recon world` or `recon run` wrote"
        )
    return rows


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
