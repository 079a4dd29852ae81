-- purpose: the payment lines that the gateways reported, one version each: the latest file wins for amounts, kind and
--          currency, and what it lacks is filled from the best report that has it
-- grain: one gateway, account and native_id
-- inputs: settlement_lines, known_files
-- parameters: search_from timestamp, as_of timestamp, cohort_from timestamp, cohort_to timestamp
WITH known AS (
    SELECT
        l.line_id, l.native_id, l.file_id, l.line_no, l.gateway, l.gateway_account, l.kind, l.raw_type,
        nullif(trim(BOTH ' ' FROM l.operation_ref), '') AS operation_ref,
        nullif(trim(BOTH ' ' FROM l.charge_ref), '') AS charge_ref,
        nullif(trim(BOTH ' ' FROM l.gateway_ref), '') AS gateway_ref,
        CASE
            WHEN
                regexp_like(l.payment_ref, '^[1-9][0-9]{0,18}\z')
                AND (length(l.payment_ref) < 19 OR l.payment_ref <= '9223372036854775807')
                THEN l.payment_ref
        END AS payment_ref,
        l.gross_currency AS currency,
        coalesce(l.gross_minor, 0) AS amount_minor,
        l.occurred_at, f.received_at, l.batch_id, f.fill_order,
        row_number() OVER (
            PARTITION BY l.gateway, l.gateway_account, l.native_id ORDER BY f.recency DESC
        ) AS version,
        count(*) OVER (PARTITION BY l.gateway, l.gateway_account, l.native_id) AS versions
    FROM settlement_lines AS l
    INNER JOIN known_files AS f ON l.file_id = f.file_id
    WHERE
        l.occurred_at >= :search_from AND l.occurred_at < :as_of
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
