"""What a run is told as, to a person and to a program."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from infra.local.traffic.checks import checked
from infra.local.traffic.report import FAULTS_SHOWN, tables
from infra.local.traffic.settle import Settled
from infra.local.traffic.summary import Summary, percentiles, summed
from tests.infra.traffic.made import RUN, answer, asked, order, payment, whole


def summary(payment_ids: tuple[str, ...] = ("77",)) -> Summary:
    one = order()
    ledger, book = whole()
    exchanges = [answer(one, found) for found in payment_ids] + [
        answer(one, what="again", status=202), answer(order(-1), "70", seconds=9.0)]
    settled = Settled(found=2, left=0, sweeps=3, seconds=12.5, webhooks_left=0)
    checks = checked(ledger, book, [asked(one)], exchanges[:1] if payment_ids == ("77",) else exchanges, RUN)
    return summed(RUN, 7, 8, 2.0, {"plain": 1}, 0, exchanges, ledger, settled, checks)


def shown(made: Summary) -> str:
    console = Console(file=io.StringIO(), width=160, soft_wrap=True)
    for table in tables(made):
        console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_summary_counts_and_is_plain_for_a_program() -> None:
    made = summary()
    found = json.loads(json.dumps(made.to_dict()))
    assert found["requests"] == {"pay": {"201": 1}, "again": {"202": 1}, "warm-up": {"201": 1}}
    assert found["payments"] == {"COMMITTED": {"adyen": 1}}
    assert found["latency_ms"]["warm-up"] == {"p50": 9000.0, "p95": 9000.0, "p99": 9000.0}
    assert (found["payments_per_second"], found["in_doubt"]["found"], found["holds"]) == (0.5, 1, True)
    assert [check["holds"] for check in found["checks"]] == [True] * 7


def test_tables_say_what_holds_with_units() -> None:
    said = shown(summary())
    for words in ("p99 ms", "0.5 payments/s", "12", "gateways' book equals ledger", "3 sweeps", "seed 7"):
        assert words in said
    assert "FAULT" not in said
    assert "FAILS" not in said


def test_a_failed_check_names_its_payments() -> None:
    made = summary(("77", "78"))
    assert not made.holds
    said = shown(made)
    assert "FAILS: " in said
    assert "FAULT one payment per key: 0a1b2c3d-00000-pay was answered with 77, 78" in said


def test_many_faults_are_cut_for_a_person_alone() -> None:
    ledger, book = whole()
    many = replace(ledger, payments=[payment(status="IN_DOUBT", payment_id=number) for number in range(40)])
    checks = checked(many, book, [], [], RUN)
    made = replace(summary(), checks=checks)
    assert shown(made).count("FAULT nothing open") == FAULTS_SHOWN
    assert "20 more: --json shows all" in shown(made)
    faults = next(check["faults"] for check in made.to_dict()["checks"] if check["name"].startswith("nothing open"))
    assert len(faults) == 40


@pytest.mark.parametrize("seconds, expected", [
    ([1.0], {50: 1.0, 95: 1.0, 99: 1.0}), (list(map(float, range(1, 101))), {50: 50.0, 95: 95.0, 99: 99.0})])
def test_percentiles_are_durations_that_occurred(seconds: list[float], expected: dict[int, float]) -> None:
    assert percentiles(seconds[::-1]) == expected
