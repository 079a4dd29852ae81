-- purpose: everything that has a length: payments from end to end, their steps, calls to gateways, doubt and recovery
-- grain: one span; number tells spans of one payment, measure and step apart
-- inputs: latency_moves, latency_payments, latency_events
-- parameters: none
WITH steps AS (
    SELECT
        m.payment_id, m.step,
        CAST(sum(CAST(m.us AS DECIMAL(38, 0))) AS BIGINT) AS us
    FROM latency_moves AS m
    WHERE m.step IS NOT NULL AND m.step <> 'in_doubt'
    GROUP BY m.payment_id, m.step
),
voids AS (
    SELECT
        payment_id,
        min(event_at) FILTER (WHERE outcome = 'in_doubt') AS doubt_at,
        max(event_at) FILTER (WHERE outcome = 'compensated') AS settled_at
    FROM latency_events
    WHERE step = 'void'
    GROUP BY payment_id
),
recoveries AS (
    SELECT
        payment_id,
        min(event_at) FILTER (WHERE outcome = 'started') AS begun_at,
        min(seq) FILTER (WHERE outcome = 'started') AS begun_seq,
        max(event_at) FILTER (WHERE outcome = 'recovered') AS done_at
    FROM latency_events
    WHERE step = 'recovery'
    GROUP BY payment_id
),
-- What a gateway's own event told in between is no sign of life of the saga.
alive AS (
    SELECT r.payment_id, max(e.event_at) AS alive_at
    FROM recoveries AS r
    INNER JOIN latency_events AS e ON r.payment_id = e.payment_id AND e.seq < r.begun_seq
    WHERE e.outcome <> 'recovered'
    GROUP BY r.payment_id
),
spans AS (
    SELECT
        payment_id, 'end_to_end' AS measure, 'pay' AS step, CAST(1 AS BIGINT) AS number, us
    FROM latency_payments
    WHERE ended_at IS NOT NULL
    UNION ALL
    SELECT payment_id, 'step' AS measure, step, CAST(1 AS BIGINT) AS number, us
    FROM steps
    UNION ALL
    SELECT payment_id, 'gateway_call' AS measure, step, seq AS number, duration_us AS us
    FROM latency_events
    WHERE duration_us > 0
    UNION ALL
    SELECT
        m.payment_id, 'in_doubt' AS measure,
        CASE m.earlier_status WHEN 'AUTHORIZING' THEN 'authorize' WHEN 'CAPTURING' THEN 'capture' ELSE 'unknown' END
            AS step,
        m.version AS number, m.us
    FROM latency_moves AS m
    WHERE m.step = 'in_doubt'
    UNION ALL
    SELECT
        payment_id, 'in_doubt' AS measure, 'void' AS step, CAST(1 AS BIGINT) AS number,
        date_diff('millisecond', doubt_at, settled_at) * 1000 AS us
    FROM voids
    WHERE settled_at >= doubt_at
    UNION ALL
    SELECT
        r.payment_id, 'recovery' AS measure, 'wait' AS step, CAST(1 AS BIGINT) AS number,
        greatest(date_diff('millisecond', a.alive_at, r.begun_at), 0) * 1000 AS us
    FROM recoveries AS r
    INNER JOIN alive AS a ON r.payment_id = a.payment_id
    UNION ALL
    SELECT
        payment_id, 'recovery' AS measure, 'work' AS step, CAST(1 AS BIGINT) AS number,
        date_diff('millisecond', begun_at, done_at) * 1000 AS us
    FROM recoveries
    WHERE done_at >= begun_at
)
SELECT s.payment_id, s.measure, s.step, s.number, s.us, p.gateway, p.hour_at
FROM spans AS s
INNER JOIN latency_payments AS p ON s.payment_id = p.payment_id
