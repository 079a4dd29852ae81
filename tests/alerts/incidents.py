"""Which messages the truth of a world implies, run by run: worked out from the truth alone, not from what runs say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from recon.worlds.clock import ms
from recon.worlds.truth_rows import Truth
from recon.worlds.view import Index
from tests.factories.true_feeds import true_at

RANKS = {"info": 0, "timing": 1, "warning": 2, "break": 3}
DAYS = {"T+30": 30, "T+14": 14, "T+7": 7}
Incident = tuple[str, str, str, str]
"""Class, gateway, account, and which feed, batch or hour."""
Row = Mapping[str, Any]


@dataclass(slots=True)
class Cause:
    """What the truth has said of one cause so far."""

    told: int = 0
    """The rank at which it was last told of; 0: not yet."""
    subjects: dict[str, tuple[int, Row]] = field(default_factory=dict)
    """Subjects of money, with their rank and the run in which the truth last had them."""
    gone: set[str] = field(default_factory=set)


class Oracle:
    """Told the listed runs in the order of what they knew, says which causes each must tell of."""

    def __init__(self, world: Path, index: Index, severity: Mapping[str, Mapping[str, str]]) -> None:
        """`severity` by class and window, as the policy has it."""
        self._rows = pq.read_table(world / "truth" / "divergences.parquet").to_pylist()
        self._index, self._severity = index, severity
        self.causes: dict[Incident, Cause] = {}

    def expected(self, run: Row) -> set[Incident]:
        """The causes that a message must be about when `run` (of world.json) has been registered."""
        rows = [row for row in self._rows if _of(row, run)]
        now: dict[Incident, list[tuple[str, int]]] = {}
        for row in rows:
            rank = RANKS[self._severity[row["class"]][run["window"]]]
            if rank >= RANKS["warning"]:
                now.setdefault(_incident(row), []).append((row["subject_id"], rank))
        single = {incident for incident in now if not incident[3]}
        found = {incident for incident in single if self._is_news(incident, now[incident], run)}
        self._forget(run, {subject for of in now.values() for subject, _ in of})
        things = [(incident, rank) for incident, of in now.items() if incident[3] for _, rank in of]
        return found | {incident for incident, rank in [*things, *self._named(run)] if self._is_worse(incident, rank)}

    def is_over(self, incident: Incident, run: Row) -> bool:
        """Whether nothing of a cause is left that the truth ever had."""
        cause = self.causes.get(incident)
        if cause is None or not cause.told:
            return False
        if incident[3]:
            return incident not in {named for named, _ in self._named(run)}
        return cause.subjects.keys() <= cause.gone

    def _named(self, run: Row) -> Iterator[tuple[Incident, int]]:
        """What the arrival model must name, as grave as its age makes it."""
        as_of = ms(_at(run["as_of"]))
        for row in true_at(self._index, as_of, ms(_at(run["known_at"]))):
            yield _of_truth(row), RANKS[self._severity[row.divergence][self._window(row, run)]]

    def _window(self, row: Truth, run: Row) -> str:
        if row.divergence == "batch_gap":
            return "hourly"
        begins = datetime.fromisoformat(row.subject.split(":", 4)[4])
        # Local days are 23 to 25 hours long; no world has a run within an hour of the edge.
        age = _at(run["as_of"]) - begins - timedelta(days=1)
        return next((window for window, days in DAYS.items() if age >= timedelta(days=days, hours=-1)), "hourly")

    def _is_news(self, incident: Incident, of: Sequence[tuple[str, int]], run: Row) -> bool:
        """Whether there is a subject that is new, or graver than before."""
        cause = self.causes.setdefault(incident, Cause())
        news = [subject for subject, rank in of
                if subject in cause.gone or subject not in cause.subjects or cause.subjects[subject][0] < rank]
        for subject, rank in of:
            cause.subjects[subject] = (rank, run)
        cause.gone -= {subject for subject, _ in of}
        cause.told = cause.told or bool(news)
        return bool(news)

    def _is_worse(self, incident: Incident, rank: int) -> bool:
        """Files, batches and hours are told of once, and once more when they become a break."""
        cause = self.causes.setdefault(incident, Cause())
        news = cause.told == 0 or (cause.told < rank == RANKS["break"])
        cause.told = rank if news else cause.told
        return news

    def _forget(self, run: Row, present: set[str]) -> None:
        """Subjects of a cohort that this run looked at and no longer has."""
        for cause in self.causes.values():
            for subject, (_, last) in cause.subjects.items():
                covered = run["cohort_from"] <= last["cohort_from"] and last["cohort_to"] <= run["cohort_to"]
                if covered and subject not in present:
                    cause.gone.add(subject)


def told(cause: Mapping[str, Any]) -> Incident:
    """The cause of a message."""
    return (cause["class"], cause["gateway"] or "", cause["gateway_account"] or "", cause["subject"] or "")


def _incident(row: Row) -> Incident:
    return (row["class"], row["gateway"] or "", row["gateway_account"] or "", _thing(row["subject_id"]))


def _of_truth(row: Truth) -> Incident:
    return (row.divergence, row.gateway or "", row.account or "", _thing(row.subject))


def _thing(subject: str) -> str:
    parts = subject.split(":")
    if parts[0] == "feed":
        return subject
    return ":".join({"batch": parts[:4], "hour": parts[:5]}.get(parts[0], []))


def _of(row: Row, run: Row) -> bool:
    same = all(row[name] == _at(run[name]).replace(tzinfo=None) for name in ("as_of", "known_at"))
    return bool(same and row["window"] == run["window"])


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
