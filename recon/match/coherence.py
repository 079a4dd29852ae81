"""The ledger against itself: holes in the lake, repeated deliveries, journals out of balance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from recon.engine.port import Engine
from recon.match.facts import KIND_OF_STEP, Line
from recon.match.finding import Finding, money, utc
from recon.match.plan import NEAR, near
from recon.match.request import Request

_STEPS_OF_KIND = {kind: step for step, kind in KIND_OF_STEP.items()} | {"partial_capture_reversal": "CAPTURE"}

_HOUR = timedelta(hours=1)
BUCKETS = 256


@dataclass(frozen=True, slots=True)
class Hole:
    """One hour, currency, step and bucket of which the lake holds less than the ledger wrote."""

    hour_start: datetime
    currency: str
    step: str
    bucket: int
    missing_entries: int
    missing_debit_minor: int


@dataclass(frozen=True, slots=True)
class Control:
    """What ledger_control says about the hours around a cohort."""

    holes: Sequence[Hole] = ()
    covered_until: dict[datetime, datetime] = field(default_factory=dict)
    """How far each hour that has control is counted."""

    @classmethod
    def read(cls, engine: Engine, request: Request) -> Control:
        """Which hours of the search range are counted, and the holes from a day before the cohort to a day after it."""
        holes = [
            Hole(
                row["hour_start"].replace(tzinfo=UTC),
                row["currency"],
                row["step"],
                row["bucket"],
                row["missing_entries"],
                row["missing_debit_minor"],
            )
            for row in engine.fetch("control_gaps", **near(request)).to_pylist()
        ]
        counted = engine.fetch("controlled_hours", hours_from=request.search_from, hours_until=request.as_of)
        covered = {
            row["hour_start"].replace(tzinfo=UTC): row["covers_until"].replace(tzinfo=UTC)
            for row in counted.to_pylist()
        }
        return cls(holes, covered)

    def starves(self, line: Line) -> str | None:
        """Why the line's movement may be missing from the lake only; None when it would be there."""
        hour = line.occurred_at.replace(minute=0, second=0, microsecond=0)
        if self.covered_until.get(hour, hour) <= line.occurred_at:
            return f"hour {utc(hour)} has no control yet"
        for hole in self.holes:
            if (
                abs(hole.hour_start - hour) <= NEAR
                and hole.step == _STEPS_OF_KIND.get(line.kind)
                and hole.currency == line.currency
                and (line.payment_ref is None or int(line.payment_ref) % BUCKETS == hole.bucket)
            ):
                return f"hour {utc(hole.hour_start)} of the lake is short of {hole.step} entries"
        return None

    def findings(self, request: Request) -> list[Finding]:
        """lake_gap rows of the cohort's hours, one per hour, step and currency."""
        found: dict[tuple[datetime, str, str], list[Hole]] = defaultdict(list)
        for hole in self.holes:
            if request.cohort_from <= hole.hour_start < request.cohort_to:
                found[hole.hour_start, hole.step, hole.currency].append(hole)
        return [_lake_gap(*key, holes) for key, holes in sorted(found.items())]


def _lake_gap(hour: datetime, step: str, currency: str, holes: Sequence[Hole]) -> Finding:
    missing = sum(hole.missing_debit_minor for hole in holes)
    entries = sum(hole.missing_entries for hole in holes)
    return Finding(
        divergence="lake_gap",
        subject=f"hour:ledger_entries:{utc(hour)}:{step}:{currency}",
        gateway=None,
        gateway_account=None,
        currency=currency,
        diff_minor=missing,
        first_seen_at=hour + _HOUR,
        reason=f"The lake lacks {entries} {step} entries of {utc(hour)} that the ledger wrote, "
        f"{money(missing, currency)} of debits; what they would answer waits.",
        evidence={"buckets": sorted(hole.bucket for hole in holes), "missing_entries": entries},
    )


def repeated_deliveries(engine: Engine, request: Request) -> list[Finding]:
    """duplicate_delivery: one row per table and hour of the cohort with rows delivered more than once."""
    found = []
    for table, query in (("ledger_entries", "repeated_entries"), ("payment_states", "repeated_states")):
        rows = engine.fetch(query, cohort_from=request.cohort_from, cohort_to=request.cohort_to).to_pylist()
        for row in rows:
            hour = row["hour_start"].replace(tzinfo=UTC)
            differing = f"; {row['differing']} of them with other content" if row["differing"] else ", all equal"
            found.append(
                Finding(
                    divergence="duplicate_delivery",
                    subject=f"hour:{table}:{utc(hour)}::",
                    gateway=None,
                    gateway_account=None,
                    currency=None,
                    first_seen_at=hour,
                    reason=f"{row['repeated']} rows of {table} of {utc(hour)} were delivered again{differing}; "
                    "each counts once.",
                    evidence={
                        "repeated": row["repeated"],
                        "differing": row["differing"],
                        "first": row["first_entry_id"],
                    },
                )
            )
    return found


def unbalanced_journals(engine: Engine, request: Request) -> list[Finding]:
    """unbalanced_journal: journals of the cohort that are complete and whose debits and credits differ."""
    rows = engine.fetch("unbalanced_journals", cohort_from=request.cohort_from, cohort_to=request.cohort_to).to_pylist()
    return [
        Finding(
            divergence="unbalanced_journal",
            subject=f"journal:{row['journal_id']}",
            gateway=row["gateway"],
            gateway_account=row["gateway_account"],
            currency=row["currency"],
            payment_id=row["payment_id"],
            diff_minor=row["debit_minor"] - row["credit_minor"],
            trace_id=row["trace_id"],
            reason=f"Journal {row['journal_id']} ({row['step']}) debits {money(row['debit_minor'], row['currency'])}, "
            f"and credits {money(row['credit_minor'], row['currency'])}.",
            evidence={"journal_id": row["journal_id"]},
        )
        for row in rows
    ]
