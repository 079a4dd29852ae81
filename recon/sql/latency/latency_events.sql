-- purpose: the audit trail of the window's payments, each event once
-- grain: one event
-- inputs: payment_events, latency_payments
-- parameters: since timestamp, follow_until timestamp
WITH copies AS (
    SELECT
        event_id, payment_id, seq, step, outcome, coalesce(attempt, 1) AS attempt, duration_us, error_code, event_at,
        row_number() OVER (PARTITION BY event_id ORDER BY recorded_at, source_path, seq, outcome) AS copy
    FROM payment_events
    WHERE event_at >= :since AND event_at < :follow_until
)
SELECT
    c.event_id, c.payment_id, c.seq, c.step, c.outcome, c.attempt, c.duration_us, c.error_code, c.event_at,
    p.gateway, p.hour_at
FROM copies AS c
INNER JOIN latency_payments AS p ON c.payment_id = p.payment_id
WHERE c.copy = 1
