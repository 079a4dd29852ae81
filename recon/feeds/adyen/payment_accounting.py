"""Payment accounting report: every change of a payment's state, as movements between registers. Evidence, not money.

`Original Amount` is never read: for currencies without decimals Adyen prints it a hundred times too large.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from recon.feeds.adyen.types import RECORD_TYPES
from recon.feeds.faults import WARNING
from recon.feeds.fields import Amount, Check, Context, Currency, Field, Kind, Reference, Text, Whole
from recon.feeds.header import Header, Shape
from recon.feeds.parser import STATUS, GroupControl, Parser, RowControl
from recon.feeds.timefields import LabelTime

_MAIN, _PAYMENT, _SETTLEMENT = "Main Currency", "Payment Currency", "Settlement Currency"
_FEE = "Processing Fee Currency"
_PAYABLE = "Payable (SC)"


@dataclass(frozen=True, slots=True)
class SettlementHeader(Header):
    """A header that may print `Settlement Currency` twice.

    The one that states the currency of `Payable (SC)` stands in its group, so the nearest to it comes first. The other
    is appended beside the payable batch; it only speaks where the first is blank.
    """

    def positions(self, name: str) -> tuple[int, ...]:
        """Every position of the column, the one to be believed first."""
        found = Header.positions(self, name)
        payable = Header.positions(self, _PAYABLE)
        if name != _SETTLEMENT or not payable:
            return found
        return tuple(sorted(found, key=lambda position: (abs(position - payable[0]), position)))


class Other(Field):
    """What the second of two columns of one name says."""

    def sql(self, ctx: Context) -> str:
        places = ctx.header.positions(self.header)
        return f"upper(trim(c{places[1]}))" if len(places) > 1 else "CAST(NULL AS VARCHAR)"


class Register(Amount):
    """An amount whose currency may be blank where it is zero: a register that did not move."""

    def checks(self, ctx: Context) -> list[Check]:
        zero = f"regexp_full_match(trim({ctx.number(self.header)}), '[+-]?0*\\.?0*')"
        idle = f"{ctx.text(self.currency)} IS NULL AND {zero}"
        return [replace(check, bad=f"({check.bad}) AND NOT ({idle})") for check in Amount.checks(self, ctx)]


def _key(*columns: str) -> str:
    return " || ':' || ".join(f"coalesce(CAST({name} AS VARCHAR), '')" for name in columns) + " || ':1'"


PARSER = Parser(
    name="payment_accounting",
    gateway="adyen",
    role=STATUS,
    shape=Shape(
        all_of=(
            "Merchant Account", "Psp Reference", "Merchant Reference", "Booking Date", "TimeZone", "Record Type",
            "Modification Psp Reference", _MAIN, "Main Amount", _PAYMENT, "Received (PC)", "Authorised (PC)",
            "Captured (PC)", _SETTLEMENT, _PAYABLE,
        ),
    ),
    header=lambda header: SettlementHeader(header.names, header.line),
    fields=(
        Text("account", "Merchant Account", required=True),
        Text("raw_type", "Record Type", required=True),
        Kind("kind", "Record Type", kinds=dict.fromkeys(RECORD_TYPES, "known")),
        Reference("payment_ref", "Merchant Reference"),
        Text("gateway_ref", "Psp Reference"),
        Text("operation_ref", "Modification Psp Reference"),
        Whole("batch_id", "Payable Batch"),
        Text("booking", "Booking Date"),
        LabelTime("occurred_at", "Booking Date", required=True),
        Currency("main_currency", _MAIN),
        Register("main_minor", "Main Amount", currency=_MAIN),
        Currency("payment_currency", _PAYMENT),
        Register("received_minor", "Received (PC)", currency=_PAYMENT),
        Register("authorised_minor", "Authorised (PC)", currency=_PAYMENT),
        Register("captured_minor", "Captured (PC)", currency=_PAYMENT),
        Currency("settlement_currency", _SETTLEMENT),
        Other("other_currency", _SETTLEMENT),
        Register("payable_minor", _PAYABLE, currency=_SETTLEMENT),
        Currency("processing_fee_currency", _FEE),
        Register("processing_fee_minor", "Processing Fee (FC)", currency=_FEE),
    ),
    account="account",
    numbered=True,
    lines={
        "native_id": _key(
            "raw_type", "gateway_ref", "operation_ref", "booking", "main_minor", "main_currency", "received_minor",
            "authorised_minor", "captured_minor", "payable_minor",
        ),
        "_kind": "kind",
        "_other_currency": "other_currency",
    },
    rows=(
        RowControl(
            f"the two columns {_SETTLEMENT!r} differ; taken is the one beside {_PAYABLE!r}",
            "settlement_currency <> _other_currency", "settlement_currency || ' and ' || _other_currency",
            level=WARNING, column=_SETTLEMENT,
        ),
    ),
    groups=(
        GroupControl(
            problem="unknown record type, kept as printed", by="raw_type", where="_kind = 'held'", bad="count(*) > 0",
            shown="count(*) || ' lines, first on line ' || min(line_no)", level=WARNING,
        ),
    ),
)  # fmt: skip
