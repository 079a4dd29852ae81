"""A finished run as it lies in a folder or a bucket: its rows, its summary, and its claims looked up when needed."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recon.breaks.errors import BadRun
from recon.store.open import open_store
from recon.store.port import Absent, Store, StoreRefused

_NEEDED = {
    "divergences.parquet": """divergence_id case_id run_id window as_of known_at class severity subject_kind subject_id
        gateway gateway_account currency payment_id native_id batch_id diff_minor reason nearest_miss root_cause
        evidence trace_id first_seen_at""".split(),
    "matches.parquet": ["journal_id", "line_id", "rule"],
}
_SUMMARY = ("window", "as_of", "known_at", "cohort_from", "cohort_to", "engine", "run_id", "status", "feeds",
            "decidable", "batches")  # fmt: skip
_WINDOWS = ("hourly", "T+7", "T+14", "T+30")
_NEXT = ("accepted: a folder or s3:// address with what recon run left: divergences.parquet, matches.parquet and "
         "summary.json")


@dataclass(frozen=True, slots=True)
class RunFiles:
    """One finished run. `rows` are those of divergences.parquet; instants are aware UTC."""

    address: str
    run_id: str
    window: str
    as_of: datetime
    known_at: datetime
    cohort_from: datetime
    cohort_to: datetime
    engine: str
    status: str
    rows: Sequence[Mapping[str, Any]]
    summary: Mapping[str, Any]
    _matches: pq.ParquetFile

    @classmethod
    def read(cls, address: str | Path) -> RunFiles:
        """The run in a folder or at s3://bucket/prefix. Raises BadRun naming what is missing or foreign."""
        if not str(address).startswith("s3:") and not Path(address).is_dir():
            raise BadRun(f"no run at {address}: no such folder; {_NEXT}")
        try:
            store = open_store(address)
        except StoreRefused as error:
            # What AWS says of itself stands as it is.
            if type(error) is StoreRefused:
                raise BadRun(f"no run at {address}: nothing lies there; {_NEXT}") from None
            raise
        return cls.of(store)

    @classmethod
    def of(cls, store: Store, folder: str = "") -> RunFiles:
        """The run in `folder` of a store. Raises BadRun."""
        below = f"{folder.strip('/')}/" if folder.strip("/") else ""
        address = f"{store.root}/{below}".rstrip("/")
        summary = _summary(_body(store, below, "summary.json", address), address)
        tables = {name: _parquet(store, below, name, address) for name in _NEEDED}
        try:
            rows = tables["divergences.parquet"].read(columns=_NEEDED["divergences.parquet"]).to_pylist()
            times = {name: datetime.fromisoformat(summary[name]).astimezone(UTC)
                     for name in ("as_of", "known_at", "cohort_from", "cohort_to")}
        except (pa.ArrowException, OSError, UnicodeError, ValueError, TypeError) as error:
            raise BadRun(f"run {address} cannot be read: {str(error).splitlines()[0]}; {_NEXT}") from None
        strange = next((row for row in rows if row["run_id"] != summary["run_id"]), None)
        if strange:
            raise BadRun(f"run {address}: divergences.parquet is of run {strange['run_id']} and summary.json of "
                         f"{summary['run_id']}: files of two runs; {_NEXT}")
        return cls(address, summary["run_id"], summary["window"], **times, engine=summary["engine"],
                   status=summary["status"], rows=rows, summary=summary, _matches=tables["matches.parquet"])

    def claims(self, journals: Collection[str], lines: Collection[str]) -> list[dict[str, str]]:
        """The claims {journal_id, line_id, rule} of any of these journals or lines."""
        if not journals and not lines:
            return []
        given = {"journal_id": journals, "line_id": lines}
        wanted = {name: pa.array(sorted(ids), pa.string()) for name, ids in given.items()}
        found: list[dict[str, str]] = []
        for batch in self._matches.iter_batches(columns=_NEEDED["matches.parquet"]):
            hit = pc.or_(*(pc.is_in(batch.column(name), value_set=ids) for name, ids in wanted.items()))
            found += batch.filter(hit).to_pylist()
        return found


def _body(store: Store, below: str, name: str, address: str) -> bytes:
    try:
        return store.read(f"{below}{name}")
    except Absent:
        raise BadRun(f"run {address} has no {name}: it did not finish, or it is no run; {_NEXT}") from None


def _parquet(store: Store, below: str, name: str, address: str) -> pq.ParquetFile:
    # Matches of a large run are far more than is asked of them: a file of this machine is read where it lies.
    path = Path(f"{store.root}/{below}{name}")
    source = path if path.is_file() else io.BytesIO(_body(store, below, name, address))
    try:
        file = pq.ParquetFile(source)
    except (pa.ArrowException, OSError) as error:
        why = str(error).splitlines()[0]
        raise BadRun(f"run {address}: {name} cannot be read as Parquet ({why}); {_NEXT}") from None
    missing = [column for column in _NEEDED[name] if column not in file.schema_arrow.names]
    if missing:
        raise BadRun(f"run {address}: {name} lacks {', '.join(missing)}; {_NEXT}")
    return file


def _summary(body: bytes, address: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
        missing = [name for name in _SUMMARY if name not in value]
    except (ValueError, TypeError) as error:
        raise BadRun(f"run {address}: summary.json cannot be read ({error}); {_NEXT}") from None
    if missing or not isinstance(value, dict):
        raise BadRun(f"run {address}: summary.json is of no reconciliation: it lacks {', '.join(missing)}; {_NEXT}")
    if value["window"] not in _WINDOWS:
        raise BadRun(f"run {address}: window {value['window']!r} is unknown; accepted: {', '.join(_WINDOWS)}")
    return value
