-- purpose: the payments that took longest to their first end, and before them those that never came to one
-- grain: one payment
-- inputs: latency_payments
-- parameters: most bigint
WITH placed AS (
    SELECT
        payment_id, gateway, trace_id, id_at, entered_at, last_status, end_status, ended_at, doubts, us,
        row_number() OVER (
            ORDER BY CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END, us DESC NULLS FIRST, id_at, payment_id
        ) AS place
    FROM latency_payments
)
SELECT place, payment_id, gateway, trace_id, id_at, entered_at, last_status, end_status, ended_at, doubts, us
FROM placed
WHERE place <= :most
