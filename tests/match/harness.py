"""Runs a small lake through a whole reconciliation and says what came out, in few words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from recon.match.request import Request
from recon.match.result import RunResult
from recon.match.run import reconcile
from tests.factories.lake import LakeBuilder
from tests.factories.lake_control import DAY

T7 = (DAY + timedelta(days=7)).date().isoformat()


def run(lake: LakeBuilder | Path, root: Path, *, window: str = "T+7", as_of: str = T7, **more: Any) -> RunResult:
    """Reconcile; both sides of the identity must meet in every total."""
    path = lake.write(root / "lake") if isinstance(lake, LakeBuilder) else lake
    result = reconcile(Request.parse(window=window, as_of=as_of, lake=str(path), **more))
    for total in result.summary["totals"]:
        assert total["unexplained_minor"] == 0, total
        named = total["named_minor"] + total["pending_minor"] + total["held_minor"]
        assert total["ledger_minor"] - total["gateway_minor"] == named, total
    return result


def rows(result: RunResult) -> list[dict[str, Any]]:
    """Divergences as dictionaries."""
    found: list[dict[str, Any]] = result.divergences.to_pylist()
    return found


def said(result: RunResult) -> list[tuple[str, str, int]]:
    """(class, subject, diff) of every divergence, sorted."""
    return sorted((row["class"], row["subject_id"], row["diff_minor"]) for row in rows(result))


def pairs(result: RunResult) -> set[tuple[str, str]]:
    """(journal, native id) of every claim; the small lakes build line ids from native ids."""
    table = result.matches.to_pylist()
    return {(row["journal_id"], row["line_id"].split("/", 2)[2]) for row in table}


def pending(result: RunResult) -> int:
    """What waits, in minor units, over all totals."""
    return sum(total["pending_minor"] for total in result.summary["totals"])
