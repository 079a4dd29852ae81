"""What is told of payments written by hand: each length where it belongs, each payment once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recon.latency.request import Request
from recon.latency.result import LatencyResult
from recon.latency.run import measure
from tests.factories.latency import COMMITTED, DAY, MORNING, Lives, mixed


def of(tmp_path: Path, lives: Lives, **more: str) -> LatencyResult:
    given = {"since": "2026-03-05", "until": "2026-03-06"} | more
    return measure(Request.parse(lake=str(lives.write(tmp_path / "lake")), **given))


def lengths(result: LatencyResult) -> dict[tuple[str, str], tuple[int, float]]:
    """Count and total in ms by measure and step, over all gateways and the whole window."""
    return {(row["measure"], row["step"]): (row["count"], row["total_ms"]) for row in result.figures.to_pylist()
            if row["gateway"] == "all" and row["hour"] is None}


def test_the_steps_add_up_to_the_whole(tmp_path: Path) -> None:
    lives = Lives()
    lives.payment(1)
    assert lengths(of(tmp_path, lives)) == {
        ("end_to_end", "pay"): (1, 440), ("step", "start"): (1, 20), ("step", "validate"): (1, 10),
        ("step", "reserve"): (1, 15), ("step", "authorize"): (1, 205), ("step", "capture"): (1, 150),
        ("step", "commit"): (1, 40)}  # fmt: skip


def test_rows_that_are_delivered_again_count_once(tmp_path: Path) -> None:
    once, twice = Lives(), Lives()
    for lives, copies in ((once, 1), (twice, 3)):
        lives.payment(1, copies=copies)
        lives.event(1, "authorize", "succeeded", 250, us=180_000, copies=copies)
        lives.event(1, "capture", "in_doubt", 300, us=90_000, code="timeout", copies=copies)
    one, many = of(tmp_path / "1", once), of(tmp_path / "3", twice)
    assert one.figures.equals(many.figures)
    assert [one.outcomes, one.trouble, one.attempts, one.timeline] == [
        many.outcomes, many.trouble, many.attempts, many.timeline]  # fmt: skip


@pytest.mark.parametrize(
    "at, counts", [(DAY, True), (DAY - timedelta(milliseconds=21), False), (DAY - timedelta(milliseconds=20), True),
                   (DAY + timedelta(days=1) - timedelta(milliseconds=20), False),
                   (DAY + timedelta(days=1) - timedelta(milliseconds=21), True)],
    ids=["first", "before", "at_since", "at_until", "last"],
)  # fmt: skip
def test_the_window_is_half_open_by_when_a_payment_entered(at: Any, counts: bool, tmp_path: Path) -> None:
    lives = Lives()
    lives.payment(1, at=at)
    found = of(tmp_path, lives)
    assert found.summary["payments"] == int(counts)
    # Its end is followed beyond the window.
    assert found.summary["running"] == 0


def test_doubt_ends_no_step_and_recovery_waits_and_works(tmp_path: Path) -> None:
    found = lengths(measure(Request.parse(since="2026-03-05T08:00:00Z", until="2026-03-05T12:00:00Z",
                                          lake=str(mixed(tmp_path)))))
    expected = {("in_doubt", "authorize"): (1, 10_050), ("in_doubt", "void"): (1, 600),
                ("recovery", "wait"): (1, 10_030), ("recovery", "work"): (1, 920), ("gateway_call", "void"): (2, 100),
                ("step", "void"): (1, 800)}  # fmt: skip
    assert {key: found[key] for key in expected} == expected


def test_what_rests_for_the_merchant_is_nobodys_time(tmp_path: Path) -> None:
    lives = Lives()
    lives.payment(1, (*COMMITTED[:5], ("CAPTURING", 60_000), ("CAPTURED", 60_100), ("COMMITTED", 60_140)),
                  capture_mode="manual")
    found = of(tmp_path, lives)
    assert lengths(found)["end_to_end", "pay"] == (1, 250)
    assert lengths(found)["step", "capture"] == (1, 100)
    assert found.summary["statuses"] == {"COMMITTED": 1}


def test_a_hole_in_the_history_is_no_time_of_any_step(tmp_path: Path) -> None:
    lives = Lives()
    lives.payment(1)
    lives.rows["payment_states"] = [row for row in lives.rows["payment_states"] if row["status"] != "AUTHORIZED"]
    found = lengths(of(tmp_path, lives))
    expected = {("end_to_end", "pay"): (1, 440), ("step", "authorize"): (1, 5), ("step", "capture"): (1, 140)}
    assert {key: found[key] for key in expected} == expected


def test_what_did_not_end_is_told_and_comes_first(tmp_path: Path) -> None:
    lives = Lives()
    lives.payment(1)
    lives.payment(2, COMMITTED[:4])
    found = of(tmp_path, lives)
    assert found.summary["running"] == 1
    assert [(row["payment_id"], row["us"]) for row in found.slowest] == [(2, None), (1, 440_000)]


def test_one_gateway_is_a_part_of_all(tmp_path: Path) -> None:
    lake = str(mixed(tmp_path))
    window = {"since": "2026-03-05T08:00:00Z", "until": "2026-03-05T12:00:00Z", "lake": lake}
    whole, adyen = (measure(Request.parse(**window, gateway=name)) for name in ("all", "adyen"))
    part = [row for row in whole.figures.to_pylist() if row["gateway"] == "adyen"]
    assert [row for row in adyen.figures.to_pylist() if row["gateway"] == "adyen"] == part
    assert adyen.summary["payments_by_gateway"] == {"adyen": whole.summary["payments_by_gateway"]["adyen"]}


def test_business_days_to_money_and_report(tmp_path: Path) -> None:
    # 2026-03-05 is a Thursday.
    lives = Lives()
    for number, paid in ((1, 1), (2, 4), (3, 5)):
        lives.payment(number, at=MORNING)
        lives.line(number, paid=DAY + timedelta(days=paid))
    lives.payment(4)
    lives.line(4, paid=DAY + timedelta(days=1), by_id=False)
    lives.payment(5)
    lives.payment(6, gateway="adyen")
    lives.line(6, gateway="adyen", booked=DAY, received=DAY + timedelta(days=2))
    lives.line(1, paid=DAY + timedelta(days=6), received=DAY + timedelta(days=5))
    rows = [(row["gateway"], row["paid_after"], row["reported_after"], row["payments"])
            for row in of(tmp_path, lives).settled]
    assert rows == [("adyen", 0, 1, 1), ("stripe", 1, 2, 1), ("stripe", 2, 2, 1), ("stripe", 3, 2, 1),
                    ("stripe", 4, 3, 1), ("stripe", None, None, 1)]


def test_the_window_without_payments_has_no_figures(tmp_path: Path) -> None:
    lives = Lives()
    lives.payment(1, at=MORNING - timedelta(days=3))
    lives.event(1, "authorize", "started", 1)
    found = of(tmp_path, lives)
    assert found.summary["status"] == "empty"
    assert found.figures.num_rows == 0
    assert [*found.histogram, *found.outcomes, *found.slowest, *found.settled] == []


def test_days_beside_the_window_are_not_opened(tmp_path: Path) -> None:
    lives = Lives()
    lives.payment(1)
    lives.event(1, "authorize", "started", 1)
    lake = lives.write(tmp_path / "lake")
    for table in ("payment_states", "payment_events"):
        for day in ("2026-03-03", "2026-03-08"):
            folder = lake / table / f"dt={day}" / "hr=00"
            folder.mkdir(parents=True)
            (folder / "0.parquet").write_bytes(b"no Parquet")
    assert measure(Request.parse(since="2026-03-05", until="2026-03-06", lake=str(lake))).summary["payments"] == 1


def test_the_same_lake_gives_the_same_id_and_another_code_or_window_does_not(tmp_path: Path) -> None:
    lake = str(mixed(tmp_path))
    ids = [measure(Request.parse(since=since, until="2026-03-06", lake=lake)).summary["run_id"]
           for since in ("2026-03-05", "2026-03-05", "2026-03-04")]
    assert ids[0] == ids[1] != ids[2]
