"""The lake contract has every table and column that readers were promised."""

from __future__ import annotations

import pytest

from pipeline.schemas.columns import Table, Type
from pipeline.schemas.tables import TABLES, table

PROMISED = {
    "ledger_entries": """entry_id journal_id payment_id merchant_id step sequence account direction amount_minor
        currency journal_entry_count gateway gateway_account gateway_ref operation_ref hold_expires_at
        payment_version trace_id event_at recorded_at""",
    "payment_states": """payment_id merchant_id version status amount_minor currency gateway gateway_account gateway_ref
        capture_mode hold_expires_at id_at trace_id event_at recorded_at""",
    "payment_events": """event_id payment_id merchant_id seq step outcome attempt duration_us error_code gateway
        trace_id event_at recorded_at""",
    "ledger_control": """hour_start covers_until currency step bucket entry_count debit_minor digest recorded_at""",
    "lake_files": "table path digest rows landed_at",
    "feed_files": """file_id content_id name gateway gateway_account report_type role layout time_zone batch_id
        covers_from covers_until received_at rows control_totals status supersedes_file_id faults recorded_at""",
    "settlement_lines": """line_id file_id line_no gateway gateway_account report_type batch_id payout_ref
        related_batch_id native_id kind raw_type payment_ref gateway_ref charge_ref operation_ref gross_minor
        gross_currency settled_gross_minor fee_minor fee_currency commission_minor markup_minor scheme_minor
        interchange_minor net_minor net_currency fx_rate payment_method card_brand card_funding card_country
        occurred_at booked_at available_at paid_out_at zone_source received_at recorded_at""",
    "batches": """gateway gateway_account batch_id batch_seq currency file_id closed_at net_minor payout_minor
        carry_in_minor carry_out_minor carry_in_from carry_out_to""",
    "fee_schedules": """gateway gateway_account component method brand funding region currency valid_from valid_until
        bps fixed_minor min_minor max_minor rounding""",
    "fx_rates": "day base quote rate tolerance_bps",
    "feed_expectations": """gateway gateway_account report_type cadence time_zone cut_off lag_business_days grace_hours
        calendar""",
    "business_days": "calendar day open",
    "recon_runs": "run_id",
    "break_log": "entry_id previous_id",
}
PARTITIONS = {
    "ledger_entries": ("dt", "hr"),
    "payment_states": ("dt", "hr"),
    "payment_events": ("dt", "hr"),
    "ledger_control": ("dt", "hr"),
    "settlement_lines": ("gateway", "dt"),
}


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_every_promised_column_is_declared(name: str) -> None:
    declared = {column.name for column in table(name).all_columns()}
    assert set(PROMISED[name].split()) <= declared


@pytest.mark.parametrize("name", sorted(PARTITIONS))
def test_the_layout_is_partitioned_as_promised(name: str) -> None:
    assert tuple(column.name for column in table(name).partitions) == PARTITIONS[name]


@pytest.mark.parametrize("declared", TABLES.values(), ids=list(TABLES))
def test_a_declaration_is_sound(declared: Table) -> None:
    names = [column.name for column in declared.all_columns()]
    assert len(names) == len(set(names))
    assert names == [name.lower() for name in names]
    assert set(declared.key) <= set(names)
    for column in declared.all_columns():
        assert column.doc, f"{declared.name}.{column.name} says nothing"
        assert "|" not in column.doc
        if column.name.endswith("_minor"):
            assert column.type is Type.BIGINT
        if column.name.endswith("_at"):
            assert column.type is Type.TIMESTAMP


@pytest.mark.parametrize("declared", TABLES.values(), ids=list(TABLES))
def test_only_amounts_of_a_currency_end_in_minor(declared: Table) -> None:
    has_amounts = any(column.name.endswith("_minor") for column in declared.columns)
    has_currency = any(column.name.endswith("currency") for column in declared.all_columns())
    assert has_currency or not has_amounts


def test_an_unknown_table_or_column_is_answered_with_what_there_is() -> None:
    with pytest.raises(KeyError, match=r"no lake table 'ledger'; there are .*ledger_entries"):
        table("ledger")
    with pytest.raises(KeyError, match=r"ledger_entries has no column 'amount'; it has .*amount_minor"):
        table("ledger_entries").column("amount")
