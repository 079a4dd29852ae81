"""How the runs of a story went: each scored against the truth, all of them by gateway and currency."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from infra.local.story.commands import Recon
from infra.local.story.facts import Run, rfc
from infra.local.story.folder import Folder
from infra.local.story.truth import Truth
from pipeline.schemas.currency import iso_exponent

_AT_ONCE = 2
_WAITING = 3
_COUNTS = ("movements", "matched", "pending", "divergent")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One finished run: its page, its seconds, its score, its summary, and what the truth says must wait."""

    run: Run
    page: Path
    seconds: float
    score: Mapping[str, Any]
    summary: Mapping[str, Any]
    truth: Truth

    @property
    def faults(self) -> list[str]:
        """What is wrong with it, none where it found the whole truth and nothing else."""
        found = [f"{figure} {self.score[figure]:.3f}" for figure in ("precision", "recall")
                 if self.score[figure] not in (None, 1)]
        found += [f"{self.score[figure]} {figure.replace('_', ' ')}" for figure in ("false_matches", "missed_matches")
                  if self.score[figure]]
        if any(total["unexplained_minor"] for total in self.summary["totals"]):
            found.append("money is unexplained")
        waits = {(t["gateway"], t["gateway_account"], t["currency"]): t["pending_minor"]
                 for t in self.summary["totals"] if t["pending_minor"]}
        if waits != {key: amount for key, amount in self.truth.pending.items() if amount}:
            found.append("what is pending is not what waits")
        return found

    def line(self) -> str:
        """The run in one line, with its page."""
        rows = sum(of["rows"] if isinstance(of, Mapping) else of for of in self.summary["classes"].values())
        shares = "  ".join(f"{figure} {'    -' if self.score[figure] is None else format(self.score[figure], '.3f')}"
                           for figure in ("precision", "recall"))
        verdict = "clean" if not self.faults else f"NOT CLEAN: {', '.join(self.faults)}"
        return f"{self.run.name:<20} {self.seconds:5.1f} s  {rows:3} divergences  {shares}  {verdict}  {self.page}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a file."""
        return {"name": self.run.name, "page": str(self.page), "seconds": round(self.seconds, 1),
                "status": self.summary["status"], "faults": self.faults, "score": dict(self.score)}


def reconciled(recon: Recon, folder: Folder, truths: Sequence[Truth], done: Callable[[Verdict], None]) -> list[Verdict]:
    """Does and scores every run, two at a time; `done` is told of each. Raises StageFailed where one cannot be done."""
    verdicts: dict[int, Verdict] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        under_way = {pool.submit(_run, recon, folder, truth): place for place, truth in enumerate(truths)}
        for future in as_completed(under_way):
            try:
                verdicts[under_way[future]] = verdict = future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                recon.end()
                raise
            done(verdict)
    return [verdicts[place] for place in sorted(verdicts)]


def totals(verdicts: Sequence[Verdict]) -> Table:
    """Movements of all runs by gateway and currency: matched, pending, divergent, and money without a name."""
    sums: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for verdict in verdicts:
        for total in verdict.summary["totals"]:
            row = sums[total["gateway"], total["currency"]]
            for figure in (*_COUNTS, "unexplained_minor"):
                row[figure] += total[figure]
    shown = Table("gateway", "currency", title="All runs, by gateway and currency", title_justify="left")
    for figure in (*_COUNTS, "unexplained"):
        shown.add_column(figure, justify="right")
    for (gateway, currency), row in sorted(sums.items()):
        shown.add_row(gateway, currency, *(f"{row[figure]:,}" for figure in _COUNTS),
                      money(row["unexplained_minor"], currency))
    return shown


def money(amount: int, currency: str) -> str:
    """An amount of minor units as people write it."""
    exponent = iso_exponent(currency)
    digits = str(abs(amount)).rjust(exponent + 1, "0")
    whole, rest = (digits[:-exponent], f".{digits[-exponent:]}") if exponent else (digits, "")
    return f"{'-' if amount < 0 else ''}{int(whole):,}{rest} {currency}"


def _run(recon: Recon, folder: Folder, truth: Truth) -> Verdict:
    run = truth.run
    out, start = folder.runs / run.name, time.monotonic()
    as_of = rfc(run.as_of) if run.window == "hourly" else f"{run.as_of:%Y-%m-%d}"
    recon.run("run", "--window", run.window, "--as-of", as_of, "--known-at", rfc(run.known_at), "--lake", folder.lake,
              "--out", out, log=f"run-{run.name}", accepted=(0, _WAITING))
    took = time.monotonic() - start
    score = json.loads(recon.run("score", "--world", folder.world, "--run", out, "--json", log=f"score-{run.name}"))
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    return Verdict(run, out / "reconciliation.html", took, score, summary, truth)
