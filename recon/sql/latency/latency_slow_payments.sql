-- purpose: the slowest payments in their order
-- grain: one payment
-- inputs: latency_slowest
-- parameters: none
SELECT place, payment_id, gateway, trace_id, id_at, entered_at, last_status, end_status, ended_at, doubts, us
FROM latency_slowest
ORDER BY place
