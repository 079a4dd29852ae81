-- purpose: how and when each payment of the window came to its first end, and where it stands at last
-- grain: one payment
-- inputs: latency_moves
-- parameters: none
WITH ends AS (
    SELECT
        payment_id,
        min(version) AS end_version
    FROM latency_moves
    WHERE
        status IN ('COMMITTED', 'REJECTED', 'DECLINED', 'VOIDED')
        OR (status = 'AUTHORIZED' AND coalesce(capture_mode, 'automatic') = 'manual')
    GROUP BY payment_id
),
payments AS (
    SELECT
        payment_id,
        min(id_at) AS id_at,
        min(entered_at) AS entered_at,
        max(version) AS last_version,
        max_by(status, version) AS last_status,
        max_by(gateway, version) AS gateway,
        max_by(trace_id, version) AS trace_id,
        count(*) FILTER (WHERE status = 'IN_DOUBT') AS doubts
    FROM latency_moves
    GROUP BY payment_id
)
SELECT
    p.payment_id, p.gateway, p.trace_id, p.id_at, p.entered_at, p.last_status, p.doubts,
    date_trunc('hour', p.entered_at) AS hour_at,
    m.status AS end_status,
    m.event_at AS ended_at,
    greatest(date_diff('millisecond', p.id_at, m.event_at), 0) * 1000 AS us
FROM payments AS p
LEFT JOIN ends AS e ON p.payment_id = e.payment_id
LEFT JOIN latency_moves AS m ON e.payment_id = m.payment_id AND e.end_version = m.version
