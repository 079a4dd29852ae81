"""Journals and their entries as columns: the posting table of DATA section 1, applied to a whole history at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recon.worlds import text
from recon.worlds.frame import ACCOUNTS, MERCHANTS, PLATFORM_FEE_BPS
from recon.worlds.lines import share
from recon.worlds.model import History, Movement, Payment

Ints = npt.NDArray[np.int64]

COMMIT_AFTER = 60
"""Milliseconds from CAPTURE to COMMIT."""

STEPS = (
    "RESERVE",
    "RELEASE",
    "CAPTURE",
    "COMMIT",
    "CAPTURE_REVERSAL",
    "REFUND",
    "REFUND_REVERSAL",
    "CHARGEBACK",
    "CHARGEBACK_REVERSAL",
)
_CODE = {step: code for code, step in enumerate(STEPS)}
_FAMILIES = ("authorization_hold", "authorization_contra", "merchant_pending", "merchant_payable")
_HOLD, _CONTRA, _PENDING, _PAYABLE, _CLEARING, _FEE = range(6)
GATEWAYS = ("stripe", "adyen")
ACCOUNT_NAMES = (
    [f"{family}:{merchant}" for family in _FAMILIES for merchant in MERCHANTS]
    + [f"gateway_clearing:{gateway}" for gateway in GATEWAYS]
    + ["platform_fee"]
)

# step -> legs of (account, debit?, which amount: 0 the journal's, 1 amount less platform fee, 2 platform fee)
_LEGS: dict[str, tuple[tuple[int, bool, int], ...]] = {
    "RESERVE": ((_HOLD, True, 0), (_CONTRA, False, 0)),
    "RELEASE": ((_CONTRA, True, 0), (_HOLD, False, 0)),
    "CAPTURE": ((_CONTRA, True, 0), (_HOLD, False, 0), (_CLEARING, True, 0), (_PENDING, False, 0)),
    "COMMIT": ((_PENDING, True, 0), (_PAYABLE, False, 1), (_FEE, False, 2)),
    "CAPTURE_REVERSAL": ((_PAYABLE, True, 0), (_CLEARING, False, 0)),
    "REFUND": ((_PAYABLE, True, 0), (_CLEARING, False, 0)),
    "REFUND_REVERSAL": ((_CLEARING, True, 0), (_PAYABLE, False, 0)),
    "CHARGEBACK": ((_PAYABLE, True, 0), (_CLEARING, False, 0)),
    "CHARGEBACK_REVERSAL": ((_CLEARING, True, 0), (_PAYABLE, False, 0)),
}


@dataclass(slots=True)
class Journals:
    """One row per journal, in order of time; `payment` indexes history.payments, operation_ref "" means none."""

    payment: Ints
    step: Ints
    sequence: Ints
    at: Ints
    amount: Ints
    fee: Ints
    version: Ints
    legs: Ints
    operation_ref: list[str]
    ids: text.Letters


@dataclass(slots=True)
class Entries:
    """One row per entry, in order of time; `journal` indexes the journals, `account` ACCOUNT_NAMES."""

    journal: Ints
    account: Ints
    debit: npt.NDArray[np.bool_]
    amount: Ints
    ids: text.Letters


def journals_of(history: History, rng: np.random.Generator) -> Journals:
    """Every journal that the ledger holds; also fills history.journal_ids and each movement's index.

    A repeated posting of a CAPTURE finds the hold gone and has the clearing legs only.
    """
    found = [row for p in history.payments if p.path != "rejected" for row in _journals(p)]
    found.sort(key=lambda row: row[0][:4])
    columns = [np.array([row[0][k] for row in found], np.int64) for k in range(8)]
    ids = text.ulids(columns[0], rng)
    history.journal_ids = text.strings(ids)
    for place, (_, move) in enumerate(found):
        if move is not None:
            move.journal = place
    at, payment, step, sequence, amount, fee, version, legs = columns
    references = [move.operation_ref or "" if move else "" for _, move in found]
    return Journals(payment, step, sequence, at, amount, fee, version, legs, references, ids)


def _journals(p: Payment) -> list[tuple[tuple[int, ...], Movement | None]]:
    """(at, payment, step, sequence, amount, fee, version, legs) of each journal, with the movement that it is."""
    rows: list[tuple[tuple[int, ...], Movement | None]] = []
    rows.append(((p.reserved_at, p.index, _CODE["RESERVE"], 1, p.amount, 0, 3, 2), None))
    if p.path in ("voided", "declined"):
        version = 7 if p.path == "voided" else 5
        rows.append(((p.ended_at, p.index, _CODE["RELEASE"], 1, p.amount, 0, version, 2), None))
    version = 8
    for m in sorted(p.moves, key=lambda m: m.at):
        first = m.step == "CAPTURE" and not m.repeats
        version += not (first or m.repeats)
        legs = 4 if first else 2
        rows.append(((m.at, p.index, _CODE[m.step], m.sequence, m.amount, 0, 7 if first else version, legs), m))
        if first:
            fee = min(p.amount, share(p.amount, PLATFORM_FEE_BPS[p.merchant]))
            legs = 3 if 0 < fee < p.amount else 2
            rows.append(((m.at + COMMIT_AFTER, p.index, _CODE["COMMIT"], 1, p.amount, fee, 8, legs), None))
    return rows


def entries_of(history: History, journals: Journals, rng: np.random.Generator) -> Entries:
    """The entries of all journals, zero amounts left out."""
    merchant = np.array([p.merchant for p in history.payments], np.int64)[journals.payment]
    by_account = np.array([GATEWAYS.index(a.gateway) for a in ACCOUNTS], np.int64)
    gateway = by_account[np.array([p.account.index for p in history.payments], np.int64)[journals.payment]]
    parts: list[tuple[Ints, ...]] = []
    for step, legs in _LEGS.items():
        rows = np.flatnonzero(journals.step == _CODE[step])
        for leg, (account, debit, which) in enumerate(legs):
            mine = rows[journals.legs[rows] == 4] if step == "CAPTURE" and leg < 2 else rows
            amounts = (journals.amount, journals.amount - journals.fee, journals.fee)[which][mine]
            mine, amounts = mine[amounts > 0], amounts[amounts > 0]
            names = _account_codes(account, mine, merchant, gateway)
            parts.append((mine, np.full(len(mine), leg), names, np.full(len(mine), int(debit)), amounts))
    journal, leg_no, names, debits, amounts = (np.concatenate([p[k] for p in parts]) for k in range(5))
    order = np.lexsort((leg_no, journal))
    journal = journal[order]
    ids = text.ulids(journals.at[journal], rng)
    return Entries(journal, names[order], debits[order] == 1, amounts[order], ids)


def _account_codes(account: int, journals: Ints, merchant: Ints, gateway: Ints) -> Ints:
    """Places in ACCOUNT_NAMES of one leg's account for each journal."""
    if account == _FEE:
        return np.full(len(journals), len(ACCOUNT_NAMES) - 1, np.int64)
    if account == _CLEARING:
        return len(_FAMILIES) * len(MERCHANTS) + gateway[journals]
    return account * len(MERCHANTS) + merchant[journals]
