"""A run and the register after it in CloudWatch's embedded format: one JSON document per set of dimensions.

Every combination of dimensions is a metric of its own and is paid for: which there are is declared here. Ids and
account names are properties of the line at most.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.schemas.currency import ISO_EXPONENTS
from recon.breaks.aging import totals
from recon.breaks.case import Case

NAMESPACE, SERVICE = "Reconciliation", "recon"
UNITS: Mapping[str, str] = {
    "MatchRate": "Percent",
    "MatchedValueRate": "Percent",
    "Unexplained": "Count",
    "ValueAtRisk": "None",
    "OldestOpenBreakAge": "Seconds",
    "OpenBreaks": "Count",
    "OverdueBreaks": "Count",
    "FeedsLate": "Count",
    "FeedTimeliness": "Seconds",
    "RunSeconds": "Seconds",
    "RunFailed": "Count",
}
GATEWAYS = ("stripe", "adyen")
WINDOWS = ("hourly", "T+7", "T+14", "T+30")
_OTHER = "other"
_SECOND, _MS = timedelta(seconds=1), timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Line:
    """Metrics that share dimensions (besides `service`), with properties that are searched and not paid for."""

    values: Mapping[str, int | float]
    dimensions: Mapping[str, str]
    properties: Mapping[str, Any]


def metrics(summary: Mapping[str, Any], cases: Iterable[Case], now: datetime) -> list[str]:
    """JSON lines of a finished run: `summary` is its summary.json, `cases` the register after it, `now` aware.

    MatchRate is the percentage of movements matched of those due (pending ones left out), MatchedValueRate the same of
    their value; Unexplained counts the totals whose identity leaves something over, with the minor units as properties;
    ValueAtRisk is in minor units of the dimension `currency`. What nothing can be said of has no line.
    """
    known = list(cases)
    common = {name: summary[name] for name in ("run_id", "as_of", "known_at", "status")}
    lines = [*_of_run(summary, common), *_of_gateways(summary, common), *_of_register(known, common, now)]
    return [encoded(line, now) for line in lines if line.values]


def failed(window: str, as_of: str, now: datetime) -> str:
    """The JSON line of a run that failed."""
    return encoded(Line({"RunFailed": 1}, _window(window), {"as_of": as_of}), now)


def encoded(line: Line, now: datetime) -> str:
    """One line of the format."""
    # Loaded with the first metric: most commands write none.
    from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

    provider = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service=SERVICE, metric_set={}, dimension_set={},
                                           metadata_set={}, default_dimensions={})  # fmt: skip
    for name, value in line.values.items():
        provider.add_metric(name, UNITS[name], value)
    for name, word in line.dimensions.items():
        provider.add_dimension(name, word)
    for name, told in line.properties.items():
        provider.add_metadata(name, told)
    document: dict[str, Any] = dict(provider.serialize_metric_set())
    # The provider's own way to set it asks the machine's clock whether CloudWatch would take it.
    document["_aws"]["Timestamp"] = (now - _EPOCH) // _MS
    return json.dumps(document, sort_keys=True, ensure_ascii=False)


def _of_run(summary: Mapping[str, Any], common: Mapping[str, Any]) -> Iterator[Line]:
    totals_ = summary["totals"]
    unexplained = {f"unexplained_minor_{total['gateway']}_{total['gateway_account']}_{total['currency']}":
                   total["unexplained_minor"] for total in totals_ if total["unexplained_minor"]}  # fmt: skip
    arriving = summary.get("arrivals", {}).get("reports", ())
    late = sum(report["completeness"]["late"] for report in arriving)
    yield Line({
        **_rates(totals_),
        "Unexplained": len(unexplained),
        "FeedsLate": late,
        "RunSeconds": round(sum(summary["seconds"].values()), 3),
        "RunFailed": int(summary["status"] == "failed"),
    }, _window(summary["window"]), {**common, **dict(sorted(unexplained.items())[:50])})  # fmt: skip


def _of_gateways(summary: Mapping[str, Any], common: Mapping[str, Any]) -> Iterator[Line]:
    """Per gateway: match rates, late periods, and the slowest report's 99th percentile from period end to arrival."""
    arriving = summary.get("arrivals", {}).get("reports", ())
    for gateway in sorted({of["gateway"] for of in (*summary["totals"], *arriving)} & set(GATEWAYS)):
        own = [total for total in summary["totals"] if total["gateway"] == gateway]
        reports = [report for report in arriving if report["gateway"] == gateway and report["expected"]]
        slowest = [p99 for report in reports if (p99 := report["timeliness"]["p99_s"]) is not None]
        values: dict[str, int | float] = dict(_rates(own))
        if reports:
            values["FeedsLate"] = sum(report["completeness"]["late"] for report in reports)
        if slowest:
            values["FeedTimeliness"] = max(slowest)
        yield Line(values, {**_window(summary["window"]), "gateway": gateway}, common)


def _of_register(cases: list[Case], common: Mapping[str, Any], now: datetime) -> Iterator[Line]:
    standing = totals(cases, now)
    yield Line({
        "OpenBreaks": standing.cases,
        "OverdueBreaks": standing.overdue,
        "OldestOpenBreakAge": standing.oldest // _SECOND if standing.oldest else 0,
    }, {}, common)  # fmt: skip
    for currency, minor in standing.at_risk_minor.items():
        if currency in ISO_EXPONENTS:
            yield Line({"ValueAtRisk": minor}, {"currency": currency}, common)


def _rates(totals_: list[Mapping[str, Any]]) -> dict[str, float]:
    """Percentages of movements, and of the value of each currency's movements, that are matched; none where none is
    due. The value's is of the worst currency: amounts of several do not add up."""
    found: dict[str, float] = {}
    due = sum(total["movements"] - total["pending"] for total in totals_)
    if due > 0:
        found["MatchRate"] = _percentage(sum(total["matched"] for total in totals_), due)
    values: dict[str, tuple[int, int]] = {}
    for total in totals_:
        matched, of = values.get(total["currency"], (0, 0))
        values[total["currency"]] = (matched + total["matched_value_minor"], of + total["ledger_value_minor"])
    rates = [_percentage(matched, of) for matched, of in values.values() if of > 0]
    return found | ({"MatchedValueRate": min(rates)} if rates else {})


def _percentage(part: int, whole: int) -> float:
    """Three decimals, rounded down: nothing short of all is 100."""
    return part * _PERCENT * 1000 // whole / 1000


def _window(window: str) -> dict[str, str]:
    return {"window": window if window in WINDOWS else _OTHER}
