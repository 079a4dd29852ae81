"""truth/ and world.json of a story: what `recon score` compares runs with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from infra.local.story.due import Expectation, open_days
from infra.local.story.facts import Run, rfc
from infra.local.story.truth import CLASSES, Truth
from pipeline.schemas.render import arrow_schema
from pipeline.schemas.tables import table

_AT = pa.timestamp("ms")
_TEXT, _NUMBER = pa.string(), pa.int64()
_RUN: list[tuple[str, pa.DataType]] = [("window", _TEXT), ("as_of", _AT), ("known_at", _AT)]
DIVERGENCES = pa.schema([
    *_RUN, ("class", _TEXT), ("subject_kind", _TEXT), ("subject_id", _TEXT), ("gateway", _TEXT),
    ("gateway_account", _TEXT), ("currency", _TEXT), ("payment_id", _NUMBER), ("native_id", _TEXT), ("batch_id", _TEXT),
    ("diff_minor", _NUMBER), ("identity_minor", _NUMBER)])
MATCHES = pa.schema([
    *_RUN, ("journal_id", _TEXT), ("gateway", _TEXT), ("gateway_account", _TEXT), ("native_id", _TEXT)])


def write_truth(world: Path, truths: Sequence[Truth], about: Mapping[str, Any]) -> None:
    """Writes both tables and world.json below `world`; `about` is told there as well."""
    divergences: list[dict[str, object]] = []
    matches: list[dict[str, object]] = []
    for truth in truths:
        run = _run(truth.run)
        for row in truth.rows:
            gateway, account = row.account or (None, None)
            divergences.append(run | {
                "class": row.divergence, "subject_kind": row.subject.partition(":")[0], "subject_id": row.subject,
                "gateway": gateway, "gateway_account": account, "currency": row.currency, "payment_id": row.payment_id,
                "native_id": row.native_id, "batch_id": row.batch, "diff_minor": row.diff,
                "identity_minor": row.identity})
        for movement, line in truth.claims:
            matches.append(run | {"journal_id": movement.journal_id, "gateway": line.account[0],
                                  "gateway_account": line.account[1], "native_id": line.native_id})
    (world / "truth").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(divergences, DIVERGENCES), world / "truth" / "divergences.parquet")
    pq.write_table(pa.Table.from_pylist(matches, MATCHES), world / "truth" / "matches.parquet")
    told = {**about, "classes_decided": list(CLASSES), "runs": [_listed(truth) for truth in truths]}
    (world / "world.json").write_text(json.dumps(told, indent=1), encoding="utf-8")


def write_reference(lake: Path, expected: Sequence[Expectation], since: date, until: date) -> None:
    """What the lake has to know of feeds and business days in [since, until)."""
    for name, rows in (("feed_expectations", [one.row() for one in expected]),
                       ("business_days", open_days(since, until))):
        (lake / name).mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, arrow_schema(table(name))), lake / name / "part-0.parquet")


def _run(run: Run) -> dict[str, object]:
    return {"window": run.window, "as_of": run.as_of.replace(tzinfo=None),
            "known_at": run.known_at.replace(tzinfo=None)}


def _listed(truth: Truth) -> dict[str, Any]:
    run = truth.run
    return {"window": run.window, "as_of": rfc(run.as_of), "known_at": rfc(run.known_at),
            "cohort_from": rfc(run.cohort_from), "cohort_to": rfc(run.cohort_to), "held": {},
            "pending": {"/".join(key): amount for key, amount in sorted(truth.pending.items())}}
