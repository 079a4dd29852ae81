"""One trace: its ids, what is below what, what is linked, what leaves and where it goes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.telemetry.trace import NOTHING, current, current_headers, span, trace_headers
from pipeline.telemetry.xray import begun, derived_trace_id, is_trace_id, new_trace_id, trace_id_of
from tests.telemetry.otlp import Span, spans

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRACE = "1-69a42c80-bd862e3fe1be46a994272793"
OTHER = "1-69a42c80-000000000000000000000001"
VARIABLE = "_X_AMZN_TRACE_ID"


@pytest.fixture(autouse=True)
def _no_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def ended(capsys: pytest.CaptureFixture[str]) -> dict[str, Span]:
    """The spans that left, by their names."""
    return {one.name: one for one in spans(capsys.readouterr().out.splitlines())}


@pytest.mark.property(79)
def test_what_is_inside_is_below_it_in_the_same_trace(capsys: pytest.CaptureFixture[str]) -> None:
    with span("step", TRACE, kind="server", payment_id=7):
        with span("ledger", operation="payment"), span("deeper"):
            assert current().trace_id == TRACE
        with span("gateway", TRACE, kind="client") as call:
            headers = current_headers()
    found = ended(capsys)
    assert {one.trace_id for one in found.values()} == {TRACE}
    assert [found[name].parent for name in ("step", "ledger", "deeper", "gateway")] == [
        "", found["step"].span_id, found["ledger"].span_id, found["step"].span_id]
    assert (found["step"].kind, found["step"].attributes) == ("server", {"payment_id": "7"})
    assert found["ledger"].attributes == {"operation": "payment"}
    assert headers == {"traceparent": f"00-{TRACE[2:10]}{TRACE[11:]}-{call.span_id}-01",
                       "X-Amzn-Trace-Id": f"Root={TRACE};Parent={call.span_id};Sampled=1"}


def test_all_of_one_piece_of_work_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with span("step", TRACE):
        for _ in range(3):
            with span("ledger"):
                pass
    with span("next", OTHER):
        pass
    assert [len(list(spans([line]))) for line in capsys.readouterr().out.splitlines()] == [4, 1]


def test_much_work_is_told_on_lines_that_are_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with span("relay", TRACE):
        for number in range(600):
            with span("row", OTHER, payment_id=2**62, outbox_id=f"{number:026}", reason="x" * 300, links=[TRACE]):
                pass
    lines = capsys.readouterr().out.splitlines()
    assert len(list(spans(lines))) == 601
    assert max(map(len, lines)) < 256 * 1024


def test_outside_of_a_trace_nothing_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    with span("ledger") as made:
        made.set(count=1)
        made.fail("nothing")
    assert (made, current(), current_headers()) == (NOTHING, NOTHING, {})
    assert capsys.readouterr().out == ""


@pytest.mark.property(79)
def test_another_trace_is_linked_and_never_continued(capsys: pytest.CaptureFixture[str]) -> None:
    with span("recover", OTHER, links=[TRACE]), span("ledger"):
        pass
    found = ended(capsys)
    assert (found["recover"].trace_id, found["recover"].links, found["recover"].parent) == (OTHER, (TRACE,), "")
    assert (found["ledger"].trace_id, found["ledger"].links) == (OTHER, ())


def test_a_trace_within_another_stands_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    with span("sweep", TRACE), span("recover", OTHER, links=[TRACE]):
        assert current().trace_id == OTHER
    found = ended(capsys)
    assert (found["recover"].trace_id, found["recover"].parent) == (OTHER, "")


def test_what_raises_is_marked_by_its_type_and_passes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="4111"), span("step", TRACE):
        raise ValueError("4111111111111111")
    text = capsys.readouterr().out
    (found,) = spans([text])
    assert (found.failed, found.attributes) == (True, {"error": "ValueError"})
    assert "4111" not in text
    assert current() is NOTHING


@pytest.mark.property(80)
def test_an_attribute_is_a_field_of_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    with span("step", TRACE, api_key="never", reason="card 4111 1111 1111 1111") as made:
        made.set(body="never", http_status=201, code=None)
    text = capsys.readouterr().out
    (found,) = spans([text])
    assert "never" not in text
    assert found.attributes == {"reason": "card [masked]", "left_out": "body", "http_status": 201}


@pytest.mark.property(79)
def test_the_platforms_span_is_above_where_it_is_of_the_same_trace(
        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"Root={TRACE};Parent=00f067aa0ba902b7;Sampled=1")
    for trace in (TRACE, OTHER):
        with span(trace, trace):
            pass
    found = ended(capsys)
    assert (found[TRACE].parent, found[OTHER].parent) == ("00f067aa0ba902b7", "")


def test_what_the_platform_does_not_sample_does_not_leave(
        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"Root={TRACE};Parent=00f067aa0ba902b7;Sampled=0")
    with span("step", TRACE) as made:
        assert trace_headers(TRACE, made)["X-Amzn-Trace-Id"].endswith(";Sampled=0")
        assert trace_headers(TRACE, made)["traceparent"].endswith("-00")
    assert capsys.readouterr().out == ""


@pytest.mark.property(79)
@pytest.mark.parametrize("said", [
    "", "Root=", "Root=7", f"Root={TRACE.upper()}", "Root=1-00000000-000000000000000000000000", f"Root={TRACE}x",
    f"Root={TRACE[:-1]}", "Root=1-69a42c80-bd862e3fe1be46a99427279٣", "Root=1-5759e988-bd862e3fe1be46a994272793",
    f"Self={TRACE}",
])  # fmt: skip
def test_a_trace_that_is_none_or_not_of_now_is_replaced(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, said)
    made = begun(AT)
    assert is_trace_id(made)
    assert made not in said
    assert int(made[2:10], 16) == int(AT.timestamp())


def test_the_platforms_trace_is_taken_while_it_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"Self=1-1;Root={new_trace_id(AT)};Parent=00f067aa0ba902b7;Sampled=1")
    assert begun(AT + timedelta(minutes=9)) == begun(AT)
    assert begun(AT + timedelta(minutes=11)) != begun(AT)


@given(st.text(), st.datetimes(datetime(2001, 1, 1), datetime(2105, 1, 1)))
def test_any_text_has_a_trace_and_always_the_same(text: str, at: datetime) -> None:
    moment = at.replace(tzinfo=UTC)
    assert is_trace_id(trace_id_of(text))
    assert trace_id_of(text) == trace_id_of(text) == trace_id_of(trace_id_of(text))
    assert is_trace_id(new_trace_id(moment))
    name = f"unwind-{len(text)}"
    assert derived_trace_id(name, moment) == derived_trace_id(name, moment) != new_trace_id(moment)
    assert is_trace_id(derived_trace_id(name, moment))


@contextmanager
def collector(status: int) -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """A collector that answers with `status`: its address, and what it was sent."""
    sent: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append((self.path, self.headers["Content-Type"], body))
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", sent
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def test_a_collector_gets_the_same_document_in_place_of_the_log(
        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with collector(200) as (address, sent):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{address}/")
        with span("step", TRACE):
            pass
    ((path, kind, body),) = sent
    assert (path, kind) == ("/v1/traces", "application/json")
    assert [one.name for one in spans([body.decode()])] == ["step"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("status", [400, 503, None])
def test_a_collector_that_fails_costs_its_spans_and_nothing_else(
        status: int | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with collector(status or 200) as (address, _):
        if status is not None:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
            with span("step", TRACE):
                pass
    if status is None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        with span("step", TRACE):
            pass
    said = json.loads(capsys.readouterr().out)
    assert (said["event"], said["count"]) == ("spans_lost", 1)


def test_switched_off_nothing_is_made_and_the_work_is_done(
        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with span("step", TRACE) as made:
        assert (made, current(), current_headers()) == (NOTHING, NOTHING, {})
    assert capsys.readouterr().out == ""
