-- purpose: what happened to the slowest payments, move by move and attempt by attempt
-- grain: one transition or event
-- inputs: latency_moves, latency_events, latency_slowest
-- parameters: none
SELECT
    w.place, m.payment_id, 'status' AS kind, m.version AS number, m.step, m.status AS outcome,
    CAST(NULL AS BIGINT) AS attempt, m.us, CAST(NULL AS VARCHAR) AS error_code, m.event_at
FROM latency_slowest AS w
INNER JOIN latency_moves AS m ON w.payment_id = m.payment_id
UNION ALL
SELECT
    w.place, e.payment_id, 'event' AS kind, e.seq AS number, e.step, e.outcome,
    CAST(e.attempt AS BIGINT) AS attempt, e.duration_us AS us, e.error_code, e.event_at
FROM latency_slowest AS w
INNER JOIN latency_events AS e ON w.payment_id = e.payment_id
ORDER BY place, event_at, kind, number
