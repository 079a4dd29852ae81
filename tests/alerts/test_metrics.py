"""What a run says of itself is CloudWatch's format within its limits, in exact figures, with dimensions of the list."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.alerts.metrics import GATEWAYS, NAMESPACE, SERVICE, UNITS, WINDOWS, failed, metrics
from tests.alerts.desk import Desk
from tests.factories.finished_run import Found
from tests.telemetry.emf import Datum, parse

NOW = datetime(2026, 3, 17, 7, tzinfo=UTC)
TOTAL = {"gateway": "stripe", "gateway_account": "acct_1", "currency": "EUR", "movements": 10, "matched": 7,
         "pending": 2, "divergent": 1, "ledger_value_minor": 1000, "matched_value_minor": 999,
         "unexplained_minor": 0}  # fmt: skip
SUMMARY: dict[str, Any] = {
    "window": "T+7", "as_of": "2026-03-17T00:00:00Z", "known_at": "2026-03-17T06:00:00Z", "run_id": "r" * 32,
    "status": "ok", "seconds": {"match": 1.25, "classify": 0.5}, "totals": [TOTAL],
    "arrivals": {"reports": [
        {"gateway": "stripe", "gateway_account": "acct_1", "report_type": "payout_reconciliation", "expected": True,
         "completeness": {"late": 2}, "timeliness": {"p99_s": 7200}},
        {"gateway": "", "gateway_account": "", "report_type": "", "expected": False, "completeness": {"late": 0},
         "timeliness": {"p99_s": None}},
    ], "findings": []},
}  # fmt: skip
DIMENSIONS = {"service": {SERVICE}, "window": {*WINDOWS, "other"}, "gateway": set(GATEWAYS), "currency": None}


def kept(desk: Desk, **changes: Any) -> dict[tuple[str, str], float]:
    """(metric, its dimension besides service and window) to value, as CloudWatch would keep them."""
    book = desk.register.book()
    found: dict[tuple[str, str], float] = {}
    for datum in [d for line in metrics({**SUMMARY, **changes}, book.cases.values(), desk.register.now)
                  for d in checked(line)]:  # fmt: skip
        [value] = datum.values
        words = [word for name, word in datum.dimensions if name not in ("service", "window")]
        assert found.setdefault((datum.name, "".join(words)), value) == value
    return found


def checked(line: str) -> list[Datum]:
    """What is in a line, once its dimensions are those of the list."""
    data = parse(line)
    assert data
    for datum in data:
        assert (datum.namespace, datum.unit) == (NAMESPACE, UNITS[datum.name])
        for name, word in datum.dimensions:
            allowed = DIMENSIONS[name]
            assert word in allowed if allowed else len(word) == 3
    return data


def test_a_run_and_the_register_are_told_in_figures(desk: Desk) -> None:
    desk.told(found=[Found("movement:J1", diff_minor=500), Found("line:stripe:txn_1", "missing_in_ledger", -70, "JPY")])
    told = kept(desk)
    assert told[("MatchRate", "")] == told[("MatchRate", "stripe")] == 87.5
    assert told[("MatchedValueRate", "")] == 99.9
    assert (told[("Unexplained", "")], told[("RunFailed", "")], told[("RunSeconds", "")]) == (0, 0, 1.75)
    assert (told[("ValueAtRisk", "EUR")], told[("ValueAtRisk", "JPY")]) == (500, 70)
    assert (told[("OpenBreaks", "")], told[("OverdueBreaks", "")]) == (2, 2)
    assert told[("OldestOpenBreakAge", "")] == (desk.register.now - desk.register.case("movement:J1").since
                                                ).total_seconds()
    assert (told[("FeedsLate", "")], told[("FeedTimeliness", "stripe")]) == (2, 7200)


def test_what_is_unexplained_is_a_count_and_its_amounts_are_properties(desk: Desk) -> None:
    summary = {**SUMMARY, "status": "failed", "totals": [{**TOTAL, "unexplained_minor": -3}, TOTAL]}
    line = metrics(summary, (), desk.register.now)[0]
    assert json.loads(line)["unexplained_minor_stripe_acct_1_EUR"] == -3
    values = {datum.name: datum.values[0] for datum in checked(line)}
    assert (values["Unexplained"], values["RunFailed"]) == (1, 1)


def test_a_run_without_anything_due_has_no_rate(desk: Desk) -> None:
    told = kept(desk, totals=[{**TOTAL, "movements": 2, "matched": 0, "ledger_value_minor": 0}],
                arrivals={"reports": []})
    assert not [name for name, _ in told if name.endswith("Rate")]


@given(st.integers(0, 10**7), st.integers(1, 10**7))
def test_a_rate_is_a_hundred_only_where_everything_is_matched(missing: int, matched: int) -> None:
    total = {**TOTAL, "movements": matched + missing, "matched": matched, "pending": 0}
    values = {datum.name: datum.values[0] for datum in parse(metrics({**SUMMARY, "totals": [total]}, (), NOW)[0])}
    assert (values["MatchRate"] == 100) == (missing == 0)


def test_strange_windows_gateways_and_currencies_make_no_metrics_of_their_own(desk: Desk) -> None:
    desk.told(found=[Found("movement:J1", currency="???"), Found("movement:J2", gateway="paypal")],
              cohort=date(2026, 3, 10))
    told = kept(desk, window="T+99", totals=[{**TOTAL, "gateway": "paypal"}])
    assert {word for _, word in told} <= {"", "stripe", "EUR"}


@pytest.mark.parametrize("window", [*WINDOWS, "T+8"])
def test_a_run_that_failed_is_counted(window: str, desk: Desk) -> None:
    [datum] = checked(failed(window, "2026-03-17", desk.register.now))
    assert (datum.name, datum.values) == ("RunFailed", (1,))
