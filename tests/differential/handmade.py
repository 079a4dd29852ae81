"""A small lake of the rare cases: what worlds seldom hold must also read alike on every engine."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.factories.lake import ACCOUNT, LakeBuilder
from tests.factories.lake_control import DAY

AS_OF = (DAY + timedelta(days=7)).date().isoformat()
_HUGE_MINOR = 2**60


def rare_cases(root: Path) -> Path:
    """Writes the lake below `root` and returns its folder."""
    lake = LakeBuilder()
    _ledger(lake)
    _lines(lake)
    _states(lake)
    lake.batch("b1", gross_minor=1_000, net_minor=1_000, payout_minor=900, line_count=1)
    return lake.write(root / "lake")


def _ledger(lake: LakeBuilder) -> None:
    lake.pair(1, 1_000)
    lake.movement(2, _HUGE_MINOR)
    lake.movement(3, _HUGE_MINOR + 1, copies=3)
    lake.movement(4, 500, operation_ref="", gateway_ref=" ")
    lake.movement(5, 700, gateway_ref=None, operation_ref=None)
    lake.movement(6, 1_234, gateway_ref="pi_ünï'cødé \N{THUMBS UP SIGN}", operation_ref="op_6")
    lake.movement(7, 0)
    lake.movement(8, 250, lost=True)
    journal = lake.movement(9, 900)
    # Half of this journal says another amount: its debits do not equal its credits.
    wrong = next(row for row in lake.rows["ledger_entries"] if row["journal_id"] == journal and row["direction"] == "C")
    wrong["amount_minor"] = 901
    lake.movement(10, 600, at=DAY + timedelta(hours=23, minutes=59, seconds=59, milliseconds=999))
    lake.movement(11, 600, at=DAY + timedelta(days=1))
    lake.movement(12, 300, step="REFUND")
    lake.movement(13, 400)


def _lines(lake: LakeBuilder) -> None:
    at = DAY + timedelta(hours=9, seconds=2)
    # Only the payment's number leads from this line to its movement.
    lake.line("t5", 700, payment_id=5, gateway_ref=None)
    lake.line("t2", _HUGE_MINOR, payment_id=2, operation_ref="op_CAPTURE_2_1")
    lake.line("t6", 1_234, gateway_ref="pi_ünï'cødé \N{THUMBS UP SIGN}", operation_ref="op_6")
    lake.line("t4", 500, gateway_ref="", payment_ref="", operation_ref="")
    lake.line("t10", 600, payment_id=10, operation_ref="op_CAPTURE_10_1")
    lake.line("t13", 399, payment_id=13, operation_ref="op_CAPTURE_13_1")
    lake.line("t20", 55, payment_ref="9223372036854775808", gateway_ref="pi_20")
    lake.line("t21", 56, payment_ref="0021", gateway_ref="pi_21")
    lake.line("t22", 57, payment_id=22)
    # A second file tells the same line otherwise, and lacks what the first one says.
    lake.feed("file-2", DAY - timedelta(days=30), DAY + timedelta(days=30), received_at=DAY + timedelta(days=2))
    lake.line("t1b", 40, payment_id=23, file_id="file-1", at=at)
    lake.line("t1b", 41, payment_id=23, file_id="file-2", at=at, payment_ref=None)
    # A restated file supersedes another one.
    lake.feed("file-3", DAY, DAY + timedelta(days=1), received_at=DAY + timedelta(days=3))
    lake.feed("file-4", DAY, DAY + timedelta(days=1), received_at=DAY + timedelta(days=4), status="restated",
              supersedes_file_id="file-3")
    lake.line("t30", 60, payment_id=30, file_id="file-3")
    lake.line("t30", 61, payment_id=30, file_id="file-4")
    # The day after, two payments are answered alone; a line without a number names the one, and so the other, which has
    # the same reference at the gateway.
    later = DAY + timedelta(days=1, hours=9)
    for payment_id in (40, 41):
        lake.movement(payment_id, 800, gateway_ref="pi_40", at=later)
        lake.line(f"t{payment_id}", 800, payment_id=payment_id, operation_ref=f"op_CAPTURE_{payment_id}_1",
                  gateway_ref="pi_40", at=later)
    lake.line("t42", 5, operation_ref="op_CAPTURE_40_1", at=later)
    lake.rows["status_lines"].append({
        "status_line_id": "s1", "line_id": "s1", "file_id": "file-1", "line_no": 1, "gateway": "stripe",
        "gateway_account": ACCOUNT, "report_type": "payment_accounting", "gateway_ref": "pi_13",
        "raw_type": "Authorised", "authorised_minor": 400, "payment_currency": "EUR",
        "occurred_at": at, "received_at": at, "recorded_at": at})


def _states(lake: LakeBuilder) -> None:
    at = DAY + timedelta(hours=9)
    lake.state(22, "CAPTURED", at=at)
    lake.state(22, "CAPTURED", at=at)
    lake.state(31, "VOIDED", at=at)
