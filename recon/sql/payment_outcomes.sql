-- purpose: whether the ledger captured or gave up payments that a gateway charged without a movement of ours
-- grain: one payment
-- inputs: ledger_entries, payment_states, wanted_payments
-- parameters: search_from timestamp, as_of timestamp
WITH entries AS (
    SELECT w.line_id, e.payment_id, e.trace_id, e.step
    FROM ledger_entries AS e
    INNER JOIN wanted_payments AS w ON e.payment_id = w.payment_id AND e.gateway = w.gateway
    WHERE e.event_at >= :search_from AND e.event_at < :as_of
    UNION ALL
    SELECT w.line_id, e.payment_id, e.trace_id, e.step
    FROM ledger_entries AS e
    INNER JOIN wanted_payments AS w
        ON e.gateway_ref = w.gateway_ref AND e.gateway = w.gateway AND e.gateway_account = w.gateway_account
    WHERE
        e.event_at >= :search_from AND e.event_at < :as_of AND e.payment_id IS NOT NULL
        AND e.gateway_ref IN (SELECT gateway_ref FROM wanted_payments WHERE gateway_ref IS NOT NULL)
),
states AS (
    SELECT w.line_id, s.payment_id, s.trace_id, s.status
    FROM payment_states AS s
    INNER JOIN wanted_payments AS w ON s.payment_id = w.payment_id AND s.gateway = w.gateway
    WHERE s.event_at >= :search_from AND s.event_at < :as_of
    UNION ALL
    SELECT w.line_id, s.payment_id, s.trace_id, s.status
    FROM payment_states AS s
    INNER JOIN wanted_payments AS w
        ON s.gateway_ref = w.gateway_ref AND s.gateway = w.gateway AND s.gateway_account = w.gateway_account
    WHERE
        s.event_at >= :search_from AND s.event_at < :as_of
        AND s.gateway_ref IN (SELECT gateway_ref FROM wanted_payments WHERE gateway_ref IS NOT NULL)
),
named AS (
    SELECT
        line_id, payment_id, trace_id,
        CASE WHEN step = 'CAPTURE' THEN 1 ELSE 0 END AS captured,
        CASE WHEN step = 'RELEASE' THEN 1 ELSE 0 END AS given_up
    FROM entries
    UNION ALL
    SELECT
        line_id, payment_id, trace_id,
        CASE WHEN status IN ('CAPTURED', 'COMMITTED') THEN 1 ELSE 0 END AS captured,
        CASE WHEN status IN ('VOIDED', 'REJECTED', 'DECLINED') THEN 1 ELSE 0 END AS given_up
    FROM states
)
SELECT
    line_id, payment_id,
    min(trace_id) AS trace_id,
    max(captured) AS captured,
    max(given_up) AS given_up
FROM named
GROUP BY line_id, payment_id
ORDER BY line_id NULLS LAST, payment_id NULLS LAST
