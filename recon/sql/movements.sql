-- purpose: what the ledger says moved at the gateways, duplicates of delivery removed, without payments that were
--          answered alone and that nothing else names
-- grain: one journal and currency
-- inputs: clearing, answered_alone, named_alone
-- parameters: cohort_from timestamp, cohort_to timestamp
WITH entries AS (
    SELECT
        c.entry_id, c.journal_id, c.payment_id, c.step, c.sequence, c.direction, c.amount_minor, c.currency, c.gateway,
        c.gateway_account, c.gateway_ref, c.operation_ref, c.trace_id, c.event_at, c.recorded_at, c.source_path
    FROM clearing AS c
    LEFT JOIN answered_alone AS a ON c.payment_id = a.payment_id
    WHERE a.payment_id IS NULL
    UNION ALL
    SELECT
        c.entry_id, c.journal_id, c.payment_id, c.step, c.sequence, c.direction, c.amount_minor, c.currency, c.gateway,
        c.gateway_account, c.gateway_ref, c.operation_ref, c.trace_id, c.event_at, c.recorded_at, c.source_path
    FROM clearing AS c
    INNER JOIN named_alone AS n ON c.payment_id = n.payment_id
),
versions AS (
    SELECT
        journal_id, payment_id, step, sequence, direction, amount_minor, currency, gateway, gateway_account,
        gateway_ref, operation_ref, trace_id, event_at, source_path,
        row_number() OVER (PARTITION BY entry_id ORDER BY recorded_at, source_path, journal_id, amount_minor) AS version
    FROM entries
),
journals AS (
    SELECT
        journal_id,
        currency,
        min(payment_id) AS payment_id,
        min(step) AS step,
        min(sequence) AS sequence,
        min(gateway) AS gateway,
        min(gateway_account) AS gateway_account,
        min(nullif(trim(BOTH ' ' FROM gateway_ref), '')) AS gateway_ref,
        min(nullif(trim(BOTH ' ' FROM operation_ref), '')) AS operation_ref,
        min(trace_id) AS trace_id,
        min(event_at) AS event_at,
        min(source_path) AS source_path,
        CAST(
            sum(CAST(CASE direction WHEN 'D' THEN amount_minor ELSE -amount_minor END AS DECIMAL(38, 0))) AS BIGINT
        ) AS amount_minor
    FROM versions
    WHERE version = 1
    GROUP BY journal_id, currency
)
SELECT
    journal_id, currency, payment_id, step, sequence, gateway, gateway_account, gateway_ref, operation_ref, trace_id,
    event_at, source_path, amount_minor,
    CAST(payment_id AS VARCHAR) AS payment_ref,
    CASE step
        WHEN 'CAPTURE' THEN 'charge'
        WHEN 'CAPTURE_REVERSAL' THEN 'charge_failure'
        WHEN 'REFUND' THEN 'refund'
        WHEN 'REFUND_REVERSAL' THEN 'refund_failure'
        WHEN 'CHARGEBACK' THEN 'chargeback'
        ELSE 'chargeback_reversal'
    END AS kind,
    event_at >= :cohort_from AND event_at < :cohort_to AS in_cohort,
    operation_ref IS NOT NULL AND row_number() OVER (
        PARTITION BY payment_id, step, operation_ref, currency ORDER BY sequence, event_at, journal_id
    ) > 1 AS is_double
FROM journals
