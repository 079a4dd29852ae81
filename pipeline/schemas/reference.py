"""Lake tables of reference data (versioned by validity) and of the workbench's own records."""

from __future__ import annotations

from pipeline.schemas.columns import Column, Table, Type, at, day, integer, minor, text

_RECEIVED = at("received_at", "when this version was loaded; the latest known one wins; null: always known")

FEE_SCHEDULES = Table(
    name="fee_schedules",
    doc="What the gateways may charge, by contract.",
    grain="one fee component for one set of conditions and validity",
    writer="recon reference load",
    key=("gateway", "gateway_account", "component", "method", "brand", "funding", "region", "currency", "valid_from"),
    warnings=("Null in a key column matches all.",),
    columns=(
        text("gateway", "stripe or adyen"),
        text("gateway_account", "account at the gateway"),
        text("component", "processing, commission, markup, scheme or interchange", required=True),
        text("method", "payment method"),
        text("brand", "card brand"),
        text("funding", "card funding"),
        text("region", "card region"),
        text("currency", "currency of the fixed parts"),
        day("valid_from", "first day", required=True),
        day("valid_until", "first day on which it no longer holds"),
        integer("bps", "hundredths of a percent"),
        minor("fixed_minor", "fixed part"),
        minor("min_minor", "floor"),
        minor("max_minor", "ceiling"),
        text("rounding", "half_up or half_even", required=True),
        _RECEIVED,
    ),
)

FX_RATES = Table(
    name="fx_rates",
    doc="Reference exchange rates.",
    grain="one pair and day",
    writer="recon reference load",
    key=("day", "base", "quote"),
    columns=(
        day("day", "day that the rate holds for", required=True),
        text("base", "from currency", required=True),
        text("quote", "to currency", required=True),
        Column("rate", Type.DECIMAL_38_18, "base × rate = quote", nullable=False),
        integer("tolerance_bps", "accepted distance from the rate", required=True),
        _RECEIVED,
    ),
)

FEED_EXPECTATIONS = Table(
    name="feed_expectations",
    doc="Which report is expected when: what tells a late feed from missing money.",
    grain="one report of one account",
    writer="recon reference load",
    key=("gateway", "gateway_account", "report_type"),
    columns=(
        text("gateway", "stripe or adyen", required=True),
        text("gateway_account", "account at the gateway", required=True),
        text("report_type", "the parser's name", required=True),
        text("cadence", "hourly, daily, business_daily, weekly or monthly", required=True),
        text("time_zone", "IANA zone of the cut-off", required=True),
        text("cut_off", "local HH:MM", required=True),
        integer("lag_business_days", "open days after the first open day", required=True),
        integer("grace_hours", "hours after that before it counts as late", required=True),
        text("calendar", "calendar in business_days", required=True),
        _RECEIVED,
    ),
)

BUSINESS_DAYS = Table(
    name="business_days",
    doc="Which days are open, per calendar.",
    grain="one calendar day",
    writer="recon reference load",
    key=("calendar", "day"),
    columns=(
        text("calendar", "e.g. TARGET, US or UTC", required=True),
        day("day", "the day", required=True),
        Column("open", Type.BOOLEAN, "whether banks are open", nullable=False),
        _RECEIVED,
    ),
)

RECON_RUNS = Table(
    name="recon_runs",
    doc="Runs that were registered, with their verdict.",
    grain="one run",
    writer="recon breaks update",
    key=("run_id",),
    columns=(
        text("run_id", "hash of window, as_of, known_at, inputs and code version", required=True),
        text("window", "hourly, T+7, T+14 or T+30", required=True),
        at("as_of", "facts before this instant count", required=True),
        at("known_at", "files that landed before this instant count", required=True),
        text("status", "ok, waiting or failed", required=True),
        at("cohort_from", "first instant of its cohort"),
        at("cohort_to", "end of its cohort, itself left out"),
        text("engine", "duckdb, athena or trino"),
        text("log_entry_id", "last entry of break_log once the run was in it; null: the log was still empty"),
        at("recorded_at", "when it was registered", required=True),
    ),
)

BREAK_LOG = Table(
    name="break_log",
    doc="Append-only, hash-chained history of every break.",
    grain="one event of one break",
    writer="recon breaks",
    key=("entry_id",),
    warnings=(
        "Objects are named by their number; object and entries are only ever added: recon breaks verify proves it.",
        "The state of a case is what its entries add up to, in the order of entry_no.",
    ),
    columns=(
        text("entry_id", "hex SHA-256 of previous_id and this entry's content", required=True),
        text("previous_id", "entry before this one in the chain"),
        integer("entry_no", "place in the chain, from 1"),
        text("previous_object", "hex SHA-256 of the bytes of the object before this entry's"),
        text("case_id", "hash of the subject", required=True),
        text("divergence_id", "hash of class, subject and currency"),
        text("action", "opened, seen, reclassified, resolved, assigned, explained, written_off (proposed, by its "
             "maker), approved or rejected (by its checker), or reopened", required=True),
        text("actor", "who", required=True),
        text("run_id", "run that gave the evidence"),
        text("subject_id", "what the case is about, as in divergences"),
        text("class", "classes of the case as of this entry, joined by a space"),
        text("severity", "severity of the case as of this entry: timing, warning or break"),
        text("status", "state of the case after this entry: open, assigned, explained, write_off_proposed, written_off "
             "or resolved"),
        text("evidence", "JSON"),
        at("recorded_at", "when", required=True),
    ),
)

TABLES = (FEE_SCHEDULES, FX_RATES, FEED_EXPECTATIONS, BUSINESS_DAYS, RECON_RUNS, BREAK_LOG)
