"""What a run reads grows with its cohort, not with history: ten times the history, the same bytes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from infra.local.guard import client
from infra.local.lake import declare, make_bucket, upload
from infra.local.stack import Stack
from recon.match.request import Request
from recon.match.run import reconcile
from tests.differential.lakes import BUCKET, on_stack
from tests.factories.lake import LakeBuilder
from tests.factories.lake_control import DAY

AS_OF = (DAY + timedelta(days=7)).date().isoformat()
SEARCHED_DAYS = 14


def lake_of(days: int, root: Path) -> Path:
    """A lake that ends with the day of the run: two payments with their lines on each of its days."""
    lake = LakeBuilder()
    lake.rows["feed_files"].clear()
    lake.feed("file-1", DAY - timedelta(days=400), DAY + timedelta(days=30))
    for back in range(days):
        at = DAY + timedelta(days=6 - back, hours=9)
        for number in (1, 2):
            payment_id = 2 * back + number
            lake.movement(payment_id, 1_000, at=at)
            lake.line(f"t{payment_id}", 1_000, payment_id=payment_id, at=at + timedelta(seconds=2))
    return lake.write(root / "lake")


def scan_of(days: int, stack: Stack, root: Path) -> dict[str, Any]:
    """What a T+7 run on a lake of so many days reads through Athena's API."""
    name = f"history_{days}"
    settings = stack.environment()
    make_bucket(client("s3", settings), BUCKET)
    upload(lake_of(days, root / name), BUCKET, name, aws=settings)
    declare(BUCKET, name, name, aws=settings)
    with on_stack(stack, name):
        result = reconcile(Request.parse(window="T+7", as_of=AS_OF, lake=f"s3://{BUCKET}/{name}", engine="athena"))
    assert result.summary["totals"][0]["matched"] == 2
    scan: dict[str, Any] = result.summary["scan"]
    return scan


def test_ten_times_the_history_reads_the_same(stack: Stack, tmp_path: Path) -> None:
    short, long = (scan_of(days, stack, tmp_path) for days in (SEARCHED_DAYS, 10 * SEARCHED_DAYS))
    assert long["estimated_bytes"] == short["estimated_bytes"]
    # Other ids compress otherwise in the scratch tables; nothing else may differ.
    assert abs(long["scanned_bytes"] - short["scanned_bytes"]) * 100 < short["scanned_bytes"]
