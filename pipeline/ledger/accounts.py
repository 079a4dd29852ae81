"""Limits of merchants: how much of a currency they may have held at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pipeline.errors import Misused
from pipeline.ledger.connection import Connection, Database
from pipeline.ledger.postings import hold
from pipeline.ledger.statements import statement
from pipeline.money import Money


@dataclass(frozen=True, slots=True)
class Balance:
    """What a merchant may have held in a currency, and what of it is left; the rest is held."""

    account: str
    currency: str
    limit_minor: int
    available_minor: int


class Accounts:
    """Rows of `balances`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def onboard(self, merchant_id: str, limits: Mapping[str, int], *, at: datetime) -> None:
        """Gives `merchant_id` its limits in minor units by currency, all or none; again with others to change them.

        A currency without a limit takes no payment. Raises ValueError for what is no amount or currency, Misused where
        more is held than a new limit.
        """
        amounts = [Money(limit, currency) for currency, limit in sorted(limits.items())]

        def work(connection: Connection) -> None:
            for amount in amounts:
                row = {"account": hold(merchant_id), "currency": amount.currency, "limit_minor": amount.amount_minor,
                       "at": at}
                if not connection.execute(statement("set_limit"), row).rowcount:
                    raise Misused(f"{merchant_id} has more held than {amount.amount_minor} {amount.currency}")

        self._database.transact(work)

    def balance(self, merchant_id: str, currency: str) -> Balance | None:
        """The merchant's limit in this currency, None where it has none."""
        rows = self._database.read("balance", {"account": hold(merchant_id), "currency": currency})
        return Balance(**rows[0]) if rows else None
