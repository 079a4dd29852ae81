"""What is emitted is CloudWatch's format within its limits, with dimensions of the list and nothing that is an id."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.outcomes import Outcome
from pipeline.telemetry.lines import FIELDS
from pipeline.telemetry.metrics import DIMENSIONS, METRICS, NAMESPACE, SERVICE, Unlisted, document, emit
from pipeline.telemetry.tell import COUNTED, tell
from tests.house.tree import modules
from tests.telemetry.emf import Datum, parse

WORDS = {"service": "payments", "saga": "pay", "step": "capture", "direction": "undo", "outcome": "in_doubt",
         "gateway": "adyen", "table": "ledger_entries", "channel": "webhook"}  # fmt: skip
ID = 2**62 + 1
NEVER = ("payment_id", "merchant_id", "request_id", "trace_id", "execution", "key", "idempotency_key", "event_id")


def emitted(capsys: pytest.CaptureFixture[str]) -> tuple[str, list[Datum]]:
    """The one line that was written, and what CloudWatch makes of it."""
    (line,) = capsys.readouterr().out.splitlines()
    return line, parse(line)


@pytest.mark.property(78)
@pytest.mark.parametrize("name", sorted(METRICS))
def test_every_metric_is_read_with_its_unit_and_its_dimensions(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    dimensions = {key: WORDS[key] for key in METRICS[name].dimensions}
    emit({name: 2.5}, properties={"event": "seen", "payment_id": ID, "code": "x"}, **dimensions)
    line, (datum,) = emitted(capsys)
    assert datum == Datum(NAMESPACE, name, METRICS[name].unit,
                          tuple(sorted({**dimensions, "service": SERVICE}.items())), (2.5,))
    said = json.loads(line)
    assert (said["event"], said["payment_id"], said["code"]) == ("seen", str(ID), "x")


@pytest.mark.property(78)
def test_metrics_that_share_their_dimensions_share_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"InDoubt": 0, "OutboxLag": 3.25, "Imbalance": 1})
    _, data = emitted(capsys)
    assert {datum.name: datum.values for datum in data} == {"InDoubt": (0,), "OutboxLag": (3.25,), "Imbalance": (1,)}
    assert {datum.dimensions for datum in data} == {(("service", SERVICE),)}


@pytest.mark.property(78)
def test_all_that_can_be_told_together_is_within_the_limits() -> None:
    properties: dict[str, object] = {name: "x" * 10_000 for name in FIELDS}
    for name, metric in METRICS.items():
        together = {other: 1 for other, declared in METRICS.items() if declared.dimensions == metric.dimensions}
        line = json.dumps(document({name: 1, **together}, properties, {key: WORDS[key] for key in metric.dimensions}))
        assert len(parse(line)) == len(together)


def test_no_metric_dimension_and_field_take_each_others_place() -> None:
    assert not METRICS.keys() & (FIELDS | DIMENSIONS.keys())
    assert {name for metric in METRICS.values() for name in metric.dimensions} | {"service"} == DIMENSIONS.keys()
    assert DIMENSIONS.keys().isdisjoint(NEVER)
    assert {metric for metric, _ in COUNTED.values()} <= METRICS.keys()


@pytest.mark.property(78)
@pytest.mark.parametrize("values, dimensions", [
    ({}, {}),
    ({"Payments": 1}, {}),
    ({"InDoubt": float("nan")}, {}),
    ({"InDoubt": float("inf")}, {}),
    ({"InDoubt": 1}, {"merchant_id": "shop"}),
    ({"InDoubt": 1}, {"payment_id": "7"}),
    ({"InDoubt": 1}, {"service": "payments"}),
    ({"SagaOutcome": 1}, {"saga": "pay"}),
    ({"SagaOutcome": 1}, {"saga": "refund", "outcome": "ok"}),
    ({"SagaOutcome": 1, "InDoubt": 1}, {"saga": "pay", "outcome": "ok"}),
    *[({"SagaOutcome": 1}, {"saga": "pay", "outcome": value}) for value in (
        "", " ", "7", "key-1", "OK", "a" * 33, "4b2c", "ok ", "päid", "a\nb", "1-5759e988-bd862e3fe1be46a994272793")],
    ({"LockLost": 1}, {"gateway": "acme"}),
])  # fmt: skip
def test_what_is_on_no_list_is_refused(values: dict[str, float], dimensions: dict[str, str]) -> None:
    with pytest.raises(Unlisted):
        document(values, {}, dimensions)


@pytest.mark.property(78)
@given(st.integers(0) | st.uuids() | st.datetimes())
def test_no_id_and_no_time_is_a_value_of_a_dimension(value: object) -> None:
    with pytest.raises(Unlisted):
        document({"SagaOutcome": 1}, {}, {"saga": "pay", "outcome": str(value)})


@pytest.mark.property(78)
def test_in_production_it_is_dropped_and_told_and_its_line_is_not_lost(
        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unlisted):
        tell("saga_ended", saga="pay", outcome=f"no{uuid4().int}", payment_id=ID)
    monkeypatch.delenv("TELEMETRY_STRICT")
    tell("saga_ended", saga="pay", outcome="n0", payment_id=ID)
    dropped, line = map(json.loads, capsys.readouterr().out.splitlines())
    assert dropped == {"event": "metric_dropped", "reason": "a value of the dimension outcome is none of our words"}
    assert line == {"event": "saga_ended", "payment_id": str(ID), "saga": "pay", "outcome": "n0"}
    emit({"InDoubt": object()})  # type: ignore[dict-item]
    assert json.loads(capsys.readouterr().out)["event"] == "metric_dropped"


@pytest.mark.parametrize("event", sorted(COUNTED))
@pytest.mark.parametrize("outcome", [str(outcome) for outcome in Outcome])
def test_an_event_that_is_counted_is_one_line(event: str, outcome: str, capsys: pytest.CaptureFixture[str]) -> None:
    tell(event, step="authorize", direction="forward", saga="pay", gateway="stripe", outcome=outcome, duration_ms=12.5,
         payment_id=ID, trace_id="t", code=None)
    line, (datum,) = emitted(capsys)
    said = json.loads(line)
    assert datum.name == COUNTED[event][0]
    assert datum.values == ((12.5,) if datum.name == "StepDuration" else (1,))
    assert (said["event"], said["saga"], said["outcome"], said["payment_id"]) == (event, "pay", outcome, str(ID))


def test_an_event_that_is_not_counted_is_a_line_alone(capsys: pytest.CaptureFixture[str]) -> None:
    tell("replayed", saga="pay")
    assert capsys.readouterr().out == '{"event":"replayed","saga":"pay"}\n'


@pytest.mark.property(78)
def test_nobody_writes_the_format_by_another_way() -> None:
    words = re.compile(r"aws_lambda_powertools|CloudWatchMetrics")
    writers = [path for path, text in modules("pipeline") if words.search(text)]
    assert writers == ["pipeline/telemetry/metrics.py"]


def test_switched_off_the_lines_stay(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    tell("step", step="commit", direction="forward", outcome="ok", duration_ms=1.5)
    emit({"InDoubt": 1}, properties={"event": "gauges", "failed": 0})
    emit({"InDoubt": 1})
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"event": "step", "step": "commit", "direction": "forward", "outcome": "ok", "duration_ms": 1.5},
        {"event": "gauges", "failed": 0}]
