"""Status history of every payment, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recon.worlds.model import History, Payment

Ints = npt.NDArray[np.int64]

STATUSES = (
    "RECEIVED",
    "VALIDATED",
    "REJECTED",
    "RESERVED",
    "AUTHORIZING",
    "DECLINED",
    "AUTHORIZED",
    "CAPTURING",
    "CAPTURED",
    "COMMITTED",
    "VOIDING",
    "VOIDED",
    "PARTIALLY_REFUNDED",
    "REFUNDED",
    "CHARGED_BACK",
)
FIRST_WITH_HOLD = 3
FIRST_WITH_REFERENCE = 6
_CODE = {status: code for code, status in enumerate(STATUSES)}
_COMMON = ("RECEIVED", "VALIDATED", "RESERVED", "AUTHORIZING")
PATHS = {
    "captured": (*_COMMON, "AUTHORIZED", "CAPTURING", "CAPTURED", "COMMITTED"),
    "stuck": (*_COMMON, "AUTHORIZED", "CAPTURING"),
    "voided": (*_COMMON, "AUTHORIZED", "VOIDING", "VOIDED"),
    "declined": (*_COMMON, "DECLINED"),
    "rejected": ("RECEIVED", "REJECTED"),
}


@dataclass(slots=True)
class States:
    """One row per transition, in order of time; `payment` indexes history.payments."""

    payment: Ints
    status: Ints
    version: Ints
    at: Ints


def states_of(history: History) -> States:
    """Every committed transition of every payment."""
    parts: list[tuple[Ints, Ints, Ints, Ints]] = []
    for path, statuses in PATHS.items():
        mine = [p for p in history.payments if p.path == path]
        rows = np.array([p.index for p in mine], np.int64)
        created = np.array([p.created for p in mine], np.int64)
        authorized = np.array([p.authorized_at for p in mine], np.int64)
        ended = np.array([p.ended_at for p in mine], np.int64)
        for place, status in enumerate(statuses):
            at = _when(status, created, authorized, ended)
            parts.append((rows, np.full(len(rows), _CODE[status]), np.full(len(rows), place + 1), at))
    later = [row for p in history.payments if len(p.moves) > 1 for row in _later(p)]
    if later:
        rows, codes, versions, times = (np.array([row[k] for row in later], np.int64) for k in range(4))
        parts.append((rows, codes, versions, times))
    payment, code, version, at = (np.concatenate([part[k] for part in parts]) for k in range(4))
    order = np.lexsort((version, payment, at))
    return States(payment[order], code[order], version[order], at[order])


def _when(status: str, created: Ints, authorized: Ints, ended: Ints) -> Ints:
    span = authorized - created
    if status in ("VALIDATED", "REJECTED"):
        return created + span // 4
    if status == "RESERVED":
        return authorized - span // 2
    if status == "AUTHORIZING":
        return authorized - span // 3
    if status in ("CAPTURING", "VOIDING"):
        return ended - 150
    return {"RECEIVED": created, "AUTHORIZED": authorized, "COMMITTED": ended + 60}.get(status, ended)


def _later(payment: Payment) -> list[tuple[int, int, int, int]]:
    rows, version, given = [], 8, 0
    for move in sorted(payment.moves, key=lambda m: m.at):
        if move.repeats or move.step == "CAPTURE":
            continue
        version += 1
        given += {"REFUND": move.amount, "REFUND_REVERSAL": -move.amount}.get(move.step, 0)
        if move.step == "CHARGEBACK":
            status = "CHARGED_BACK"
        elif move.step == "CAPTURE_REVERSAL":
            status = "VOIDED"
        else:
            status = "COMMITTED" if given <= 0 else "REFUNDED" if given >= payment.amount else "PARTIALLY_REFUNDED"
        rows.append((payment.index, _CODE[status], version, move.at))
    return rows
