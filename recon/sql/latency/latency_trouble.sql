-- purpose: payments that something happened to: failed, undone, in doubt or recovered, by step and reason
-- grain: one gateway, hour, step, outcome and reason
-- inputs: latency_events
-- parameters: none
WITH once AS (
    SELECT DISTINCT payment_id, gateway, hour_at, step, outcome, error_code
    FROM latency_events
    WHERE outcome IN ('failed', 'compensated', 'in_doubt', 'recovered')
)
SELECT gateway, hour_at, step, outcome, error_code, count(*) AS payments
FROM once
GROUP BY gateway, hour_at, step, outcome, error_code
ORDER BY gateway NULLS LAST, hour_at, step, outcome, error_code NULLS LAST
