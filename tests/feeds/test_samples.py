"""The gateways' sample files: each is read or refused for a stated, correct reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recon.feeds.ingest import Outcome, ingest
from recon.feeds.options import ReadOptions
from tests.feeds.offering import NOW

pytestmark = pytest.mark.samples

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("SETTLEMENT_SAMPLES") or ROOT.parent / "shared" / "samples")
REFERENCE = ("payment_metadata[external_identifier]",)

EXPECTED = {
    "settlement_detail_report_batch_238.csv": ("accepted", 3, ""),
    "settlement_detail_report_chargeback.csv": ("incomplete", 3, "WikimediaCOM 3 USD 'left over -883'"),
    "settlement_detail_report_chargeback_reversed.csv": ("incomplete", 1, "WikimediaCOM 3 USD 'left over 5189'"),
    "settlement_detail_report_deposit_correction.csv": ("incomplete", 2, "WikimediaCOM 1191 USD 'left over -20000'"),
    "settlement_detail_report_donation-ach.csv": ("accepted", 2, ""),
    "settlement_detail_report_donation-ideal.csv": ("incomplete", 2, "WikimediaCOM 630 USD 'left over 467'"),
    "settlement_detail_report_donation.csv": ("accepted", 2, ""),
    "settlement_detail_report_donation_reordered.csv": ("duplicate", 2, "repeats settlement_detail_report_d"),
    "settlement_detail_report_emptynetcredit.csv": ("incomplete", 1, "WikimediaCOM 1136 USD 'left over -3'"),
    "settlement_detail_report_invoice_deduction.csv": ("incomplete", 2, "WikimediaCOM 1136 USD 'left over -3'"),
    "settlement_detail_report_refund.csv": ("incomplete", 3, "WikimediaCOM 3 USD 'left over -683'"),
    "payments_accounting_report_chargeback.csv": ("accepted", 1, ""),
    "payments_accounting_report_nyce.csv": ("accepted", 4, ""),
    "payments_activity.csv": ("accepted", 2, ""),
    # Its payout row prints gross 24, fee 0 and net 23.05, with the sign of money received.
    "settlement_report.csv": ("incomplete", 7, "gross − fee is not net '2400 - 0 <> 2305'"),
}
"""File to status, rows and what its first remark says: told the account, the zone and the reference column."""


def _offered(lake: Path, options: ReadOptions) -> dict[str, Outcome]:
    if not SAMPLES.is_dir():
        pytest.skip(f"no sample files in {SAMPLES}")
    return {outcome.path.name: outcome for outcome in ingest([SAMPLES], lake, options, lambda: NOW)}


def test_every_sample_has_its_stated_outcome(tmp_path: Path) -> None:
    said = ReadOptions(gateway_account="acct", time_zone="UTC", payment_ref_columns=REFERENCE, received_at=NOW)
    found = _offered(tmp_path / "lake", said)
    assert {name: (outcome.status, outcome.row["rows"]) for name, outcome in found.items()} == {
        name: (status, rows) for name, (status, rows, _) in EXPECTED.items()
    }
    for name, (_, _, remark) in EXPECTED.items():
        faults = found[name].faults
        assert remark in (str(faults[0]) if faults else ""), (name, faults)


def test_untold_samples_of_stripe_are_refused_for_what_they_do_not_say(tmp_path: Path) -> None:
    unnamed = _offered(tmp_path / "a", ReadOptions(received_at=NOW))
    zoneless = _offered(tmp_path / "b", ReadOptions(received_at=NOW, gateway_account="acct"))
    for name in ("payments_activity.csv", "settlement_report.csv"):
        assert unnamed[name].status == zoneless[name].status == "refused"
        assert "--gateway-account" in str(unnamed[name].faults[0])
        assert "--time-zone" in str(zoneless[name].faults[0])
        assert zoneless[name].faults[0].column == "created"
