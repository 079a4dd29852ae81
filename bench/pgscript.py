"""The statements that the ledger sends for one payment, as a pgbench script of the same SQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from pipeline.ledger.connection import Connection, Database

T = TypeVar("T")
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


class Recorder(Database):
    """Runs work as it is, and keeps what was sent: (statement, parameters), BEGIN and COMMIT among them."""

    def __init__(self, conninfo: str) -> None:
        super().__init__(conninfo)
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def _transaction(self, connection: Connection, work: Callable[[Connection], T]) -> T:
        sent = self.sent

        class Keeping(psycopg.Cursor[dict[str, Any]]):
            """Keeps each statement before it is sent."""

            def execute(self, query: Any, params: Any = None, **how: Any) -> Any:
                sent.append((query.decode(), params or {}))
                return super().execute(query, params, **how)

        connection.cursor_factory, connection.row_factory = Keeping, dict_row
        sent.append(("BEGIN", {}))
        result = super()._transaction(connection, work)
        sent.append(("COMMIT", {}))
        return result


def script(sent: list[tuple[str, dict[str, Any]]], *, payment_id: int, merchant_id: str, merchant: str,
           first: int = 0, until: int | None = None) -> str:
    """A pgbench script that repeats `sent` for a new payment each time, of the merchant that the expression names.

    Of its transactions only those from `first` up to but without `until`: a later script goes on with its payments.
    Variables to be given: base (a range of payment ids of its own) and n (0).
    """
    slots: dict[str, int] = {}
    tokens = {str(payment_id): ":id::text", merchant_id: f"({merchant})::text"}

    def value(parameter: Any) -> str:
        match parameter:
            case None:
                return "NULL"
            case datetime():
                return f"{_quoted(parameter.isoformat())}::timestamptz"
            case int():
                return ":id" if parameter == payment_id else str(parameter)
            case list():
                return f"ARRAY[{', '.join(map(value, parameter))}]"
        return _text(str(parameter), tokens, slots)

    transactions: list[list[str]] = []
    for statement, parameters in sent:
        if statement == "BEGIN":
            transactions.append([])
        written = _PLACEHOLDER.sub(lambda hit, given=parameters: value(given[hit[1]]), statement)  # type: ignore[misc]
        transactions[-1].append(f"{written};\n")
    chosen = [line for transaction in transactions[first:until] for line in transaction]
    return "".join(["\\set n :n + 1\n", "\\set id :base + :client_id * 1000000000 + :n\n", *chosen])


def _text(text: str, tokens: dict[str, str], slots: dict[str, int]) -> str:
    """Text with what has to be another one each time made an expression, but for the bodies of the outbox."""
    if text.startswith("{"):
        return _quoted(text)
    after = r"(?=[\":])" if text.startswith("[") else ""
    wanted = "|".join(f"{pattern}{after}" for pattern in (*map(re.escape, tokens), ULID.pattern))
    pieces = [piece for piece in re.split(f"({wanted})", text) if piece]

    def expression(piece: str) -> str:
        if ULID.fullmatch(piece):
            return f"'0{slots.setdefault(piece, len(slots)):03d}' || lpad(:id::text, 22, '0')"
        return tokens.get(piece) or _quoted(piece)

    return f"({' || '.join(map(expression, pieces))})" if pieces else _quoted(text)


def _quoted(text: str) -> str:
    """A literal without a colon, which pgbench would take for a variable."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a")
    return f"E'{escaped}'"
