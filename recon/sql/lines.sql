-- purpose: the payment lines that the gateways reported, one version each: the latest file wins for amounts, kind and
--          currency, and what it lacks is filled from the best report that has it; without those of payments that were
--          answered alone and that nothing else names
-- grain: one gateway, account and native_id
-- inputs: reported, other_lines, named_alone, known_files
-- parameters: cohort_from timestamp, cohort_to timestamp
WITH told AS (
    SELECT
        line_id, native_id, file_id, line_no, gateway, gateway_account, kind, raw_type, operation_ref, charge_ref,
        gateway_ref, payment_ref, gross_currency, gross_minor, occurred_at, received_at, batch_id, fill_order, recency
    FROM other_lines
    UNION ALL
    SELECT
        r.line_id, r.native_id, f.file_id, r.line_no, r.gateway, r.gateway_account, r.kind, r.raw_type, r.operation_ref,
        r.charge_ref, r.gateway_ref, r.payment_ref, r.gross_currency, r.gross_minor, r.occurred_at, r.received_at,
        r.batch_id, f.fill_order, r.recency
    FROM reported AS r
    INNER JOIN known_files AS f ON r.recency = f.recency
    INNER JOIN named_alone AS n ON r.payment_ref = n.payment_ref
),
known AS (
    SELECT
        line_id, native_id, file_id, line_no, gateway, gateway_account, kind, raw_type, operation_ref, charge_ref,
        gateway_ref, payment_ref,
        gross_currency AS currency,
        coalesce(gross_minor, 0) AS amount_minor,
        occurred_at, received_at, batch_id, fill_order,
        row_number() OVER (PARTITION BY gateway, gateway_account, native_id ORDER BY recency DESC) AS version,
        count(*) OVER (PARTITION BY gateway, gateway_account, native_id) AS versions
    FROM told
),
filled AS (
    SELECT
        gateway, gateway_account, native_id,
        min_by(operation_ref, fill_order) FILTER (WHERE operation_ref IS NOT NULL) AS operation_ref,
        min_by(charge_ref, fill_order) FILTER (WHERE charge_ref IS NOT NULL) AS charge_ref,
        min_by(gateway_ref, fill_order) FILTER (WHERE gateway_ref IS NOT NULL) AS gateway_ref,
        min_by(payment_ref, fill_order) FILTER (WHERE payment_ref IS NOT NULL) AS payment_ref,
        min_by(batch_id, fill_order) FILTER (WHERE batch_id IS NOT NULL) AS batch_id
    FROM known
    WHERE versions > 1
    GROUP BY gateway, gateway_account, native_id
)
SELECT
    k.line_id, k.native_id, k.file_id, k.line_no, k.gateway, k.gateway_account, k.kind, k.raw_type,
    coalesce(k.operation_ref, f.operation_ref) AS operation_ref,
    coalesce(k.charge_ref, f.charge_ref) AS charge_ref,
    coalesce(k.gateway_ref, f.gateway_ref) AS gateway_ref,
    coalesce(k.payment_ref, f.payment_ref) AS payment_ref,
    coalesce(k.batch_id, f.batch_id) AS batch_id,
    k.currency, k.amount_minor, k.occurred_at, k.received_at,
    k.occurred_at >= :cohort_from AND k.occurred_at < :cohort_to AS in_cohort
FROM known AS k
LEFT JOIN filled AS f
    ON k.versions > 1 AND k.gateway = f.gateway AND k.gateway_account = f.gateway_account AND k.native_id = f.native_id
WHERE
    k.version = 1
    AND k.kind IN (
        'charge', 'charge_failure', 'partial_capture_reversal', 'refund', 'refund_failure', 'chargeback',
        'chargeback_reversal', 'held'
    )
