-- purpose: every change of status of the payments that entered in the window, with the status left and how long it lasted
-- grain: one committed transition
-- inputs: payment_states
-- parameters: since timestamp, until timestamp, follow_until timestamp, gateway varchar
WITH copies AS (
    SELECT
        payment_id, version, status, gateway, gateway_account, gateway_ref, capture_mode, trace_id, id_at, event_at,
        row_number() OVER (
            PARTITION BY payment_id, version ORDER BY recorded_at, event_at, source_path, status
        ) AS copy
    FROM payment_states
    WHERE
        event_at >= :since AND event_at < :follow_until
        AND (:gateway = 'all' OR gateway = :gateway)
),
entered AS (
    SELECT payment_id, event_at AS entered_at, coalesce(id_at, event_at) AS id_at
    FROM copies
    WHERE copy = 1 AND version = 1 AND event_at < :until
),
ordered AS (
    SELECT
        c.payment_id, c.version, c.status, c.gateway, c.gateway_account, c.gateway_ref, c.capture_mode, c.trace_id,
        e.id_at, e.entered_at, c.event_at,
        lag(c.status, 1) OVER (PARTITION BY c.payment_id ORDER BY c.version) AS left_status,
        lag(c.status, 2) OVER (PARTITION BY c.payment_id ORDER BY c.version) AS earlier_status,
        CASE
            WHEN c.version = 1 THEN e.id_at
            ELSE lag(c.event_at, 1) OVER (PARTITION BY c.payment_id ORDER BY c.version)
        END AS left_at,
        c.version = 1
        OR coalesce(lag(c.version, 1) OVER (PARTITION BY c.payment_id ORDER BY c.version) = c.version - 1, false)
            AS is_next
    FROM copies AS c
    INNER JOIN entered AS e ON c.payment_id = e.payment_id
    WHERE c.copy = 1
)
SELECT
    payment_id, version, status, gateway, gateway_account, gateway_ref, capture_mode, trace_id, id_at, entered_at,
    event_at, left_status, earlier_status, left_at,
    CASE
        WHEN NOT is_next THEN CAST(NULL AS VARCHAR)
        WHEN version = 1 THEN 'start'
        WHEN left_status = 'RECEIVED' THEN 'validate'
        WHEN left_status = 'VALIDATED' THEN 'reserve'
        WHEN left_status IN ('RESERVED', 'AUTHORIZING') THEN 'authorize'
        -- What rests until the merchant asks for it waits for nobody here.
        WHEN left_status = 'AUTHORIZED' AND coalesce(capture_mode, 'automatic') = 'manual' THEN CAST(NULL AS VARCHAR)
        WHEN left_status = 'AUTHORIZED' AND status = 'CAPTURING' THEN 'capture'
        WHEN left_status = 'CAPTURING' THEN 'capture'
        WHEN left_status = 'CAPTURED' AND status = 'COMMITTED' THEN 'commit'
        WHEN left_status = 'IN_DOUBT' THEN 'in_doubt'
        WHEN left_status IN ('AUTHORIZED', 'VOIDING', 'COMPENSATION_STUCK') THEN 'void'
    END AS step,
    greatest(date_diff('millisecond', left_at, event_at), 0) * 1000 AS us
FROM ordered
