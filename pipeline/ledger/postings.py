"""What each step posts: the entries of its journal. Debits equal credits, entries of zero are left out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.errors import Misused
from pipeline.ledger.port import Payment, Posting

DEBIT, CREDIT = "D", "C"
PLATFORM_FEE = "platform_fee"


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a posting; `amount_minor` is positive."""

    account: str
    direction: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Position:
    """What earlier journals of the payment left: the open hold, and whether COMMIT has moved pending to payable."""

    held_minor: int = 0
    committed: bool = False


NEED_POSITION = frozenset({"RELEASE", "CAPTURE", "CAPTURE_REVERSAL"})
"""Steps whose entries depend on the position."""


def hold(merchant_id: str) -> str:
    """Account of a merchant's open holds; its row in `balances` says how much more may be held."""
    return f"authorization_hold:{merchant_id}"


def contra(merchant_id: str) -> str:
    """Counterpart of the holds."""
    return f"authorization_contra:{merchant_id}"


def pending(merchant_id: str) -> str:
    """Captured, not yet committed."""
    return f"merchant_pending:{merchant_id}"


def payable(merchant_id: str) -> str:
    """What we owe the merchant."""
    return f"merchant_payable:{merchant_id}"


def clearing(gateway: str) -> str:
    """What the gateway owes us."""
    return f"gateway_clearing:{gateway}"


def entries_of(posting: Posting, payment: Payment, position: Position) -> tuple[list[Entry], Position]:
    """Entries of `posting` of `payment` after what `position` says, and the position after them. Raises Misused."""
    amount, merchant = posting.amount_minor, payment.merchant_id
    if type(amount) is not int or amount <= 0:
        raise Misused(f"{posting.step} posts {amount!r}; a positive whole number of minor units is accepted")
    legs = _legs(posting, payment, position)
    after = {
        "RESERVE": replace(position, held_minor=position.held_minor + amount),
        "RELEASE": replace(position, held_minor=position.held_minor - amount),
        "CAPTURE": replace(position, held_minor=0),
        "COMMIT": replace(position, committed=True),
    }.get(posting.step, position)
    if after.held_minor < 0:
        raise Misused(f"{posting.step} of {amount} releases more than the {position.held_minor} held for {merchant}")
    entries = [Entry(account, side, leg, payment.currency)
               for debit, credit, leg in legs if leg > 0 for account, side in ((debit, DEBIT), (credit, CREDIT))]
    return _joined(entries), after


def _legs(posting: Posting, payment: Payment, position: Position) -> list[tuple[str, str, int]]:
    """(debited account, credited account, amount) of the posting."""
    step, amount, merchant = posting.step, posting.amount_minor, payment.merchant_id
    at_gateway, owed = clearing(payment.gateway), payable(merchant)
    match step:
        case "RESERVE":
            return [(hold(merchant), contra(merchant), amount)]
        case "RELEASE":
            return [(contra(merchant), hold(merchant), amount)]
        case "CAPTURE":
            # The whole hold goes, also when less is captured: a payment is captured once.
            return [(contra(merchant), hold(merchant), position.held_minor), (at_gateway, pending(merchant), amount)]
        case "COMMIT":
            if posting.fee_minor < 0:
                raise Misused(f"a platform fee of {posting.fee_minor}; zero or more is accepted")
            fee = min(posting.fee_minor, amount)
            return [(pending(merchant), owed, amount - fee), (pending(merchant), PLATFORM_FEE, fee)]
        case "CAPTURE_REVERSAL":
            return [(owed if position.committed else pending(merchant), at_gateway, amount)]
        case "REFUND" | "CHARGEBACK":
            return [(owed, at_gateway, amount)]
        case "REFUND_REVERSAL" | "CHARGEBACK_REVERSAL":
            return [(at_gateway, owed, amount)]
    raise Misused(f"no posting is known for the step {step!r}")


def _joined(entries: list[Entry]) -> list[Entry]:
    """Entries of the same account and side made one, at the place of the first."""
    sums: dict[tuple[str, str, str], int] = {}
    for entry in entries:
        key = (entry.account, entry.direction, entry.currency)
        sums[key] = sums.get(key, 0) + entry.amount_minor
    return [Entry(account, side, amount, currency) for (account, side, currency), amount in sums.items()]
