-- purpose: from the day of a capture to the day of its money and of the file that says so
-- grain: one gateway, account, day of capture, of money and of report (none: no line of it is known)
-- inputs: settlement_lines, latency_moves
-- parameters: lines_since timestamp, lines_until timestamp
WITH captures AS (
    SELECT
        payment_id, gateway, gateway_account, gateway_ref,
        CAST(payment_id AS VARCHAR) AS payment_ref,
        event_at AS captured_at,
        row_number() OVER (PARTITION BY payment_id ORDER BY version) AS copy
    FROM latency_moves
    WHERE status = 'CAPTURED'
),
versions AS (
    SELECT
        l.gateway, l.gateway_account, l.payment_ref, l.gateway_ref, l.received_at,
        coalesce(l.paid_out_at, l.available_at, l.booked_at) AS paid_at,
        row_number() OVER (
            PARTITION BY l.gateway, l.gateway_account, l.native_id ORDER BY l.received_at DESC, l.line_id, l.file_id
        ) AS version
    FROM settlement_lines AS l
    WHERE l.kind = 'charge' AND l.occurred_at >= :lines_since AND l.occurred_at < :lines_until
),
answers AS (
    SELECT c.payment_id, v.paid_at, v.received_at
    FROM captures AS c
    INNER JOIN versions AS v ON c.gateway = v.gateway AND c.payment_ref = v.payment_ref
    WHERE v.version = 1
    UNION ALL
    SELECT c.payment_id, v.paid_at, v.received_at
    FROM captures AS c
    INNER JOIN versions AS v
        ON c.gateway = v.gateway AND c.gateway_account = v.gateway_account AND c.gateway_ref = v.gateway_ref
    WHERE v.version = 1 AND v.payment_ref IS NULL
),
settled AS (
    SELECT payment_id, min(paid_at) AS paid_at, min(received_at) AS received_at
    FROM answers
    GROUP BY payment_id
),
days AS (
    SELECT
        c.gateway, c.gateway_account,
        CAST(c.captured_at AS DATE) AS captured_day,
        CAST(s.paid_at AS DATE) AS paid_day,
        CAST(s.received_at AS DATE) AS reported_day
    FROM captures AS c
    LEFT JOIN settled AS s ON c.payment_id = s.payment_id
    WHERE c.copy = 1
)
SELECT gateway, gateway_account, captured_day, paid_day, reported_day, count(*) AS payments
FROM days
GROUP BY gateway, gateway_account, captured_day, paid_day, reported_day
ORDER BY
    gateway NULLS LAST, gateway_account NULLS LAST, captured_day, paid_day NULLS LAST, reported_day NULLS LAST
