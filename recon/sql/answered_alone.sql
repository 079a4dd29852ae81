-- purpose: payments outside the cohort with one movement and one line, which answer each other in amount, currency,
--          kind and every key that the line carries; only such whose references need no trimming
-- grain: one payment
-- inputs: clearing, reported, tangled_payments
-- parameters: cohort_from timestamp, cohort_to timestamp
SELECT c.payment_id, c.payment_ref, c.operation_ref, c.gateway_ref
FROM clearing AS c
INNER JOIN reported AS r
    ON
        c.payment_ref = r.payment_ref AND c.gateway = r.gateway AND c.gateway_account = r.gateway_account
        AND c.currency = r.gross_currency
        AND CASE c.direction WHEN 'D' THEN c.amount_minor ELSE -c.amount_minor END = coalesce(r.gross_minor, 0)
        AND CASE c.step
            WHEN 'CAPTURE' THEN 'charge'
            WHEN 'CAPTURE_REVERSAL' THEN 'charge_failure'
            WHEN 'REFUND' THEN 'refund'
            WHEN 'REFUND_REVERSAL' THEN 'refund_failure'
            WHEN 'CHARGEBACK' THEN 'chargeback'
            ELSE 'chargeback_reversal'
        END = r.kind
LEFT JOIN (SELECT DISTINCT payment_ref FROM tangled_payments) AS t ON c.payment_ref = t.payment_ref
WHERE
    t.payment_ref IS NULL AND c.payment_id > 0
    AND (c.event_at < :cohort_from OR c.event_at >= :cohort_to)
    AND (r.occurred_at < :cohort_from OR r.occurred_at >= :cohort_to)
    AND (r.received_at < :cohort_from OR r.received_at >= :cohort_to)
    AND (r.operation_ref IS NULL OR r.operation_ref = c.operation_ref)
    AND (r.charge_ref IS NULL OR r.charge_ref = c.operation_ref)
    AND (r.gateway_ref IS NULL OR r.gateway_ref = c.gateway_ref)
    AND (
        c.operation_ref IS NULL
        OR (c.operation_ref NOT LIKE ' %' AND c.operation_ref NOT LIKE '% ' AND c.operation_ref <> '')
    )
    AND (
        c.gateway_ref IS NULL
        OR (c.gateway_ref NOT LIKE ' %' AND c.gateway_ref NOT LIKE '% ' AND c.gateway_ref <> '')
    )
