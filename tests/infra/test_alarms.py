"""Alarms on our own metrics: what must be watched is, under the name and the dimensions that it is written with."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from infra.local.deploy import INFRA, TEMPLATES, read
from pipeline.telemetry.metrics import DIMENSIONS, METRICS, NAMESPACE, SERVICE

TEMPLATE = read(INFRA / "alarms.yaml")
ALARMS: dict[str, dict[str, Any]] = {
    name: resource["Properties"] for path in TEMPLATES for name, resource in read(path)["Resources"].items()
    if resource["Type"] == "AWS::CloudWatch::Alarm" and resource["Properties"].get("Namespace") == NAMESPACE}
WATCHED = {"OldestUnfinishedSaga", "InDoubt", "CompensationStuck", "OutboxLag", "Imbalance", "LockLost", "SlotsInUse",
           "LakeRecordsRefused", "NotificationsFailed"}
SILENT = {"OldestUnfinishedSaga", "Imbalance", "OutboxLag", "SlotsInUse"}
"""One of each source that Gauges reads: what is not read is not there."""


def dimensions(alarm: dict[str, Any]) -> dict[str, str]:
    """Its dimensions by name."""
    return {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}


@pytest.mark.property(81)
@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_looks_at_a_metric_that_is_written(name: str) -> None:
    alarm = ALARMS[name]
    metric, given = METRICS[alarm["MetricName"]], dimensions(alarm)
    assert given.pop("service") == SERVICE
    assert given.keys() == metric.dimensions
    assert all(value in (DIMENSIONS[key] or {value}) for key, value in given.items())


@pytest.mark.property(81)
def test_all_that_has_to_be_watched_is_for_every_value_of_its_dimensions() -> None:
    loud = [alarm for alarm in ALARMS.values() if alarm["TreatMissingData"] != "breaching"]
    seen = Counter((alarm["MetricName"], tuple(sorted(dimensions(alarm).items()))) for alarm in loud)
    assert set(seen.values()) == {1}
    assert {metric for metric, _ in seen} == WATCHED
    for metric in WATCHED:
        for key in METRICS[metric].dimensions:
            values = DIMENSIONS[key]
            assert values is not None
            assert {dict(found)[key] for name, found in seen if name == metric} == values


@pytest.mark.property(81)
def test_silence_of_the_gauges_is_an_alarm() -> None:
    silent = {name: alarm for name, alarm in ALARMS.items() if alarm["TreatMissingData"] == "breaching"}
    assert {alarm["MetricName"] for alarm in silent.values()} == SILENT
    assert {(alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) for alarm in silent.values()} == {
        ("SampleCount", "LessThanThreshold", 1)}


def test_thresholds_are_parameters_and_who_is_told_is_one() -> None:
    ours = {name: resource["Properties"] for name, resource in TEMPLATE["Resources"].items()}
    asked = {alarm["Threshold"]["Ref"] for alarm in ours.values() if alarm["TreatMissingData"] != "breaching"}
    assert {*asked, "AlarmTopicArn"} == TEMPLATE["Parameters"].keys()
    assert all(alarm["AlarmActions"]["Fn::If"][1] == [{"Ref": "AlarmTopicArn"}] for alarm in ours.values())
    assert all(alarm["AlarmDescription"] for alarm in ours.values())
