"""How a story's runs went, as tables for a terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from recon.match.finding import money

_COUNTS = ("movements", "matched", "pending", "divergent")
_PERFECT = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """One finished run: where its page is, how long it took (seconds), its score and its summary."""

    name: str
    page: Path
    seconds: float
    score: Mapping[str, Any]
    summary: Mapping[str, Any]

    @property
    def unexplained(self) -> bool:
        """Whether any total of the run leaves money without a name."""
        return any(total["unexplained_minor"] != 0 for total in self.summary["totals"])

    @property
    def clean(self) -> bool:
        """Whether the run named every divergence of the truth, nothing else, and every cent.

        A figure is null where there was nothing to find or nothing was reported.
        """
        perfect = all(self.score[figure] in (None, _PERFECT) for figure in ("precision", "recall"))
        return perfect and not (self.score["false_matches"] or self.score["missed_matches"] or self.unexplained)

    def line(self) -> str:
        """The run in one line, with its page."""
        rows = sum(_count(value) for value in self.summary["classes"].values())
        score = f"precision {_share(self.score['precision'])}  recall {_share(self.score['recall'])}"
        verdict = "clean" if self.clean else "NOT CLEAN"
        run = f"{self.name:<20} {self.seconds:5.1f} s  {self.summary['status']:<7} {rows:6,} rows"
        return f"{run}  {score}  {verdict}  {self.page}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a file."""
        return {"name": self.name, "page": str(self.page), "seconds": round(self.seconds, 1), "clean": self.clean,
                "status": self.summary["status"], "score": dict(self.score)}  # fmt: skip


def totals_table(verdicts: Sequence[Verdict]) -> Table:
    """Movements of all runs per gateway and currency: matched, pending, divergent, and money without a name."""
    sums: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for verdict in verdicts:
        for total in verdict.summary["totals"]:
            row = sums[total["gateway"], total["currency"]]
            for figure in (*_COUNTS, "unexplained_minor"):
                row[figure] += total[figure]
    table = Table("gateway", "currency", title="All runs, by gateway and currency", title_justify="left")
    for figure in (*_COUNTS, "unexplained"):
        table.add_column(figure, justify="right")
    for (gateway, currency), row in sorted(sums.items()):
        counts = (f"{row[figure]:,}" for figure in _COUNTS)
        table.add_row(gateway, currency, *counts, money(row["unexplained_minor"], currency))
    return table


def finished(verdicts: Sequence[Verdict]) -> str:
    """The last sentence: what to open, and whether the story holds."""
    stained = [verdict.name for verdict in verdicts if not verdict.clean]
    if stained:
        return f"{len(stained)} of {len(verdicts)} runs are not clean: {', '.join(stained)}"
    return f"every divergence named, every cent explained in {len(verdicts)} runs; open {verdicts[0].page}"


def _count(value: Any) -> int:
    return int(value["rows"]) if isinstance(value, Mapping) else int(value)


def _share(value: float | None) -> str:
    return "    -" if value is None else f"{value:.3f}"
