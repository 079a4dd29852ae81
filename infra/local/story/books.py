"""The facts of a story as its parts report them: the ledger in one snapshot, the gateways' book, what they settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.rows import dict_row

from infra.local.errors import LocalRefused
from infra.local.story.facts import KIND_OF_TYPE, Entry, Facts, File, Line, Movement, Operation, Payout

Row = dict[str, Any]
_QUESTIONS = ("movements", "entries", "given_up", "payments")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_ledger(dsn: str) -> dict[str, list[Row]]:
    """The answers to all questions in sql/, in one snapshot. Raises LocalRefused where PostgreSQL cannot be asked."""
    try:
        with (psycopg.connect(dsn, autocommit=True, row_factory=dict_row, connect_timeout=5) as connection,
              connection.transaction()):
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return {name: connection.execute(
                files(__package__).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8").encode()).fetchall()
                for name in _QUESTIONS}
    except psycopg.OperationalError as error:
        raise LocalRefused(f"the stack's PostgreSQL does not answer: {str(error).splitlines()[0]}") from None


def entries_of(ledger: Mapping[str, Sequence[Row]]) -> list[Entry]:
    """Every entry of the ledger."""
    return [Entry(row["entry_id"], row["journal_id"], row["payment_id"], row["step"], row["account"], row["currency"],
                  row["direction"], row["amount_minor"], _ms(row["event_at"])) for row in ledger["entries"]]


def facts_of(ledger: Mapping[str, Sequence[Row]], book: Sequence[Row], settled: Sequence[Row], delivered: Sequence[Row],
             **more: Any) -> Facts:
    """Facts from read_ledger, the simulator's `book()`, `settled()` and what `settle()` returned; `more` is said of the
    lake: missing, repeated, controlled_until."""
    reports = {row["name"]: File(row["name"], (row["gateway"], row["gateway_account"]), _at(row["since"]),
                                 _at(row["until"]), _at(row["received_at"])) for row in delivered}
    lines = [Line(row["native_id"], (row["gateway"], row["gateway_account"]), KIND_OF_TYPE[row["type"]],
                  int(row["payment_id"]) if row["payment_id"] else None, row["operation"], row["defect"],
                  row["currency"], row["gross_minor"], _at(row["at"]), reports[row["file"]], row["line_no"])
             for row in settled if row["what"] == "line"]
    payouts = [Payout((row["gateway"], row["gateway_account"]), row["batch"], row["currency"], row["owed_minor"],
                      row["told_minor"], reports[row["file"]]) for row in settled if row["what"] == "payout"]
    movements = [Movement(row["journal_id"], row["payment_id"], row["step"], row["sequence"],
                          (row["gateway"], row["gateway_account"]), row["currency"], row["amount_minor"],
                          row["operation_ref"] or "", _ms(row["event_at"])) for row in ledger["movements"]]
    operations = {row["number"]: Operation(row["number"], row["kind"],
                                           int(row["payment_id"]) if row["payment_id"] else None, row["operation_ref"])
                  for row in book if row["status"] == "succeeded"}
    given_up = {row["payment_id"]: _ms(row["given_up_at"]) for row in ledger["given_up"]}
    return Facts(movements, lines, [file for file in reports.values() if "_payouts_" not in file.name], payouts,
                 operations, given_up, **more)


def _at(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _ms(at: datetime) -> datetime:
    """The lake counts milliseconds."""
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
