"""Lake tables that the pipeline writes: what the ledger says happened."""

from __future__ import annotations

from pipeline.schemas.columns import Table, at, day, integer, minor, text

DT = day("dt", "UTC day of event_at, from the path", required=True)
HR = text("hr", "UTC hour of event_at, two digits, from the path", required=True)

AT_LEAST_ONCE = "Delivery is at least once: de-duplicate by key within the partition, where duplicates always lie."

LEDGER_ENTRIES = Table(
    name="ledger_entries",
    doc="Double-entry postings: every journal's debits equal its credits per currency.",
    grain="one ledger entry",
    writer="pipeline outbox relay, through Firehose",
    key=("entry_id",),
    partitions=(DT, HR),
    warnings=(AT_LEAST_ONCE,),
    columns=(
        text("entry_id", "ULID of the entry", required=True),
        text("journal_id", "ULID of the journal whose entries balance together", required=True),
        integer("payment_id", "63-bit payment id; null for journals of a batch"),
        text("merchant_id", "merchant that the payment belongs to"),
        text("step", "RESERVE, RELEASE, CAPTURE, COMMIT, CAPTURE_REVERSAL, REFUND, REFUND_REVERSAL, CHARGEBACK, "
             "CHARGEBACK_REVERSAL or SETTLE", required=True),
        integer("sequence", "1 for the first journal of this payment and step, then 2, ...", required=True),
        text("account", "ledger account, e.g. gateway_clearing:stripe", required=True),
        text("direction", "D (debit) or C (credit)", required=True),
        minor("amount_minor", "positive minor units of currency", required=True),
        text("currency", "ISO 4217, upper case", required=True),
        integer("journal_entry_count", "how many entries the journal has in the ledger"),
        text("gateway", "stripe or adyen"),
        text("gateway_account", "account at the gateway"),
        text("gateway_ref", "Stripe PaymentIntent or Adyen PSP reference of the payment"),
        text("operation_ref", "charge, capture, refund or dispute reference that the gateway prints in its reports"),
        at("hold_expires_at", "when an open authorization hold lapses"),
        integer("payment_version", "version of the payment that this journal committed with"),
        text("trace_id", "trace from edge to webhook"),
        at("event_at", "when it happened", required=True),
        at("recorded_at", "when the ledger wrote it", required=True),
    ),
)

PAYMENT_STATES = Table(
    name="payment_states",
    doc="Status history of payments.",
    grain="one committed transition of a payment",
    writer="pipeline outbox relay, through Firehose",
    key=("payment_id", "version"),
    partitions=(DT, HR),
    warnings=(AT_LEAST_ONCE,),
    columns=(
        integer("payment_id", "63-bit payment id", required=True),
        text("merchant_id", "merchant that the payment belongs to"),
        integer("version", "1 for the first status, then 2, ...", required=True),
        text("status", "RECEIVED ... COMMITTED, REJECTED, DECLINED, VOIDED, REFUNDED, CHARGED_BACK, IN_DOUBT, ...",
             required=True),
        minor("amount_minor", "minor units of currency"),
        text("currency", "ISO 4217, upper case"),
        text("gateway", "stripe or adyen"),
        text("gateway_account", "account at the gateway"),
        text("gateway_ref", "Stripe PaymentIntent or Adyen PSP reference"),
        text("capture_mode", "automatic or manual"),
        at("hold_expires_at", "when an open authorization hold lapses"),
        at("id_at", "the payment id's own time, decoded when written"),
        text("trace_id", "trace from edge to webhook"),
        at("event_at", "when the transition committed", required=True),
        at("recorded_at", "when the ledger wrote it", required=True),
    ),
)

PAYMENT_EVENTS = Table(
    name="payment_events",
    doc="Audit trail of saga steps.",
    grain="one attempt or outcome of one saga step",
    writer="pipeline outbox relay, through Firehose",
    key=("event_id",),
    partitions=(DT, HR),
    warnings=(AT_LEAST_ONCE, "Order events of a payment by seq; the ULID is a label."),
    columns=(
        text("event_id", "ULID", required=True),
        integer("payment_id", "63-bit payment id", required=True),
        text("merchant_id", "merchant that the payment belongs to"),
        integer("seq", "order within the payment", required=True),
        text("step", "saga step", required=True),
        text("outcome", "started, succeeded, failed, compensated, in_doubt or recovered", required=True),
        integer("attempt", "1 for the first attempt"),
        integer("duration_us", "microseconds"),
        text("error_code", "our error code when it failed"),
        text("gateway", "stripe or adyen"),
        text("trace_id", "trace from edge to webhook"),
        at("event_at", "when it happened", required=True),
        at("recorded_at", "when it was written", required=True),
    ),
)

LEDGER_CONTROL = Table(
    name="ledger_control",
    doc="Control totals of the ledger per hour: tells a hole in the lake from missing money.",
    grain="one revision of one hour, currency, step and bucket",
    writer="pipeline control writer, from PostgreSQL",
    key=("hour_start", "currency", "step", "bucket", "recorded_at"),
    partitions=(day("dt", "UTC day of hour_start, from the path", required=True),
                text("hr", "UTC hour of hour_start, two digits, from the path", required=True)),
    warnings=("Append-only revisions: the latest recorded_at wins per hour, currency, step and bucket.",
              "A quiet hour has one row: currency XXX, step NONE, bucket 0, counts 0."),
    columns=(
        at("hour_start", "start of the hour", required=True),
        at("covers_until", "the revision counts entries before this instant", required=True),
        text("currency", "ISO 4217, upper case; XXX for a quiet hour", required=True),
        text("step", "journal step; NONE for a quiet hour", required=True),
        integer("bucket", "payment_id modulo 256", required=True),
        integer("entry_count", "entries in the ledger", required=True),
        minor("debit_minor", "sum of debits in minor units of currency", required=True),
        text("digest", "hex SHA-256 of the sorted entry ids joined by a newline"),
        at("recorded_at", "when this revision was written", required=True),
    ),
)

TABLES = (LEDGER_ENTRIES, PAYMENT_STATES, PAYMENT_EVENTS, LEDGER_CONTROL)
