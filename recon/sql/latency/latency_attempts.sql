-- purpose: how many attempts payments took at the steps that are tried again
-- grain: one gateway, step and number of attempts
-- inputs: latency_events
-- parameters: none
WITH most AS (
    SELECT payment_id, gateway, step, max(attempt) AS attempts
    FROM latency_events
    WHERE step IN ('authorize', 'capture', 'void', 'refund', 'recovery')
    GROUP BY payment_id, gateway, step
)
SELECT gateway, step, attempts, count(*) AS payments
FROM most
GROUP BY gateway, step, attempts
ORDER BY gateway NULLS LAST, step, attempts
