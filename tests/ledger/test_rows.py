"""What leaves through the outbox is what the lake's schema declares, field by field."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from pipeline.ledger.port import Event
from pipeline.schemas.columns import Table
from pipeline.schemas.ids import minted_at
from pipeline.schemas.ledger import LEDGER_ENTRIES, PAYMENT_EVENTS, PAYMENT_STATES
from pipeline.schemas.ulid import decode
from tests.ledger.harness import FULL_LIFE, Bench, change

TABLES = {"ledger_entry": LEDGER_ENTRIES, "payment_state": PAYMENT_STATES, "payment_event": PAYMENT_EVENTS}


def _bodies(bench: Bench) -> list[tuple[str, dict[str, object]]]:
    payment = bench.driven(*FULL_LIFE, merchant_id="løb")
    payment = bench.ledger.apply(change(payment, "refund", amount=100, events=[
        Event("refund", "started"), Event("refund", "failed", 2, 1_500, "timeout")]))
    payment = bench.ledger.apply(change(payment, "webhook", gateway_event=None, events=[Event("refund", "recovered")]))
    return [(row.kind, json.loads(row.body)) for row in bench.outbox(payment.payment_id)]


def _fits(value: object, table: Table, name: str) -> bool:
    column = next(column for column in table.columns if column.name == name)
    if value is None:
        return column.nullable
    if name.endswith("_at"):
        at = datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%S.%f%z")
        return len(str(value)) == len("2026-01-31T12:00:00.000Z") and at.tzinfo is not None
    return isinstance(value, int if name in _NUMBERS else str)


_NUMBERS = {"payment_id", "sequence", "amount_minor", "journal_entry_count", "payment_version", "version", "seq",
            "attempt", "duration_us"}


def test_every_line_has_exactly_the_columns_of_its_table(bench: Bench) -> None:
    seen = set()
    for kind, body in _bodies(bench):
        if kind == "payment_outcome":
            continue
        table = TABLES[kind]
        assert list(body) == [column.name for column in table.columns]
        assert [name for name, value in body.items() if not _fits(value, table, name)] == []
        seen.add(kind)
    assert seen == set(TABLES)


def test_entries_say_what_the_journal_committed_with(bench: Bench) -> None:
    entries = [body for kind, body in _bodies(bench) if kind == "ledger_entry"]
    by_step = {str(body["step"]): body for body in entries}
    assert (by_step["RESERVE"]["payment_version"], by_step["RESERVE"]["gateway_ref"]) == (3, None)
    assert (by_step["CAPTURE"]["journal_entry_count"], by_step["CAPTURE"]["payment_version"]) == (4, 7)
    assert by_step["CAPTURE"]["operation_ref"] == f"ch_{by_step['CAPTURE']['payment_id']}"
    assert by_step["CAPTURE"]["hold_expires_at"] == "2026-03-05T12:10:00.123Z"
    assert by_step["COMMIT"]["merchant_id"] == "løb"
    assert len({decode(str(body["entry_id"])) for body in entries}) == len(entries)


def test_states_carry_the_ids_own_time(bench: Bench) -> None:
    for kind, body in _bodies(bench):
        if kind == "payment_state":
            id_at = minted_at(int(str(body["payment_id"])))
            assert body["id_at"] == id_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_both_times_are_told(bench: Bench) -> None:
    bodies = [body for kind, body in _bodies(bench) if kind != "payment_outcome"]
    assert {body["recorded_at"] for body in bodies} == {"2026-03-05T12:00:00.623Z"}
    assert bodies[0]["event_at"] == "2026-03-05T12:00:00.123Z"


def test_events_of_a_payment_are_counted_without_a_gap(bench: Bench) -> None:
    events = [body for kind, body in _bodies(bench) if kind == "payment_event"]
    assert [(body["seq"], body["outcome"], body["error_code"]) for body in events] == [
        (1, "started", None), (2, "failed", "timeout"), (3, "recovered", None)]


@pytest.mark.property(19)
def test_an_outcome_carries_its_id_as_text(bench: Bench) -> None:
    outcomes = [body for kind, body in _bodies(bench) if kind == "payment_outcome"]
    assert [body["status"] for body in outcomes] == ["COMMITTED", "PARTIALLY_REFUNDED"]
    assert all(isinstance(body["payment_id"], str) and body["refunded_minor"] in (0, 100) for body in outcomes)
