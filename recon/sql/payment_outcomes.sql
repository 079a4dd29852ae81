-- purpose: whether the ledger captured or gave up payments that a gateway charged without a movement of ours
-- grain: one payment
-- inputs: ledger_entries, payment_states, wanted_payments
-- parameters: search_from timestamp, as_of timestamp
WITH facts AS (
    SELECT
        e.payment_id, e.gateway, e.gateway_account, e.gateway_ref, e.trace_id,
        CASE WHEN e.step = 'CAPTURE' THEN 1 ELSE 0 END AS captured,
        CASE WHEN e.step = 'RELEASE' THEN 1 ELSE 0 END AS given_up
    FROM ledger_entries AS e
    WHERE
        e.event_at >= :search_from AND e.event_at < :as_of AND e.payment_id IS NOT NULL
        AND (
            e.payment_id IN (SELECT payment_id FROM wanted_payments WHERE payment_id IS NOT NULL)
            OR e.gateway_ref IN (SELECT gateway_ref FROM wanted_payments WHERE gateway_ref IS NOT NULL)
        )
    UNION ALL
    SELECT
        s.payment_id, s.gateway, s.gateway_account, s.gateway_ref, s.trace_id,
        CASE WHEN s.status IN ('CAPTURED', 'COMMITTED') THEN 1 ELSE 0 END AS captured,
        CASE WHEN s.status IN ('VOIDED', 'REJECTED', 'DECLINED') THEN 1 ELSE 0 END AS given_up
    FROM payment_states AS s
    WHERE
        s.event_at >= :search_from AND s.event_at < :as_of
        AND (
            s.payment_id IN (SELECT payment_id FROM wanted_payments WHERE payment_id IS NOT NULL)
            OR s.gateway_ref IN (SELECT gateway_ref FROM wanted_payments WHERE gateway_ref IS NOT NULL)
        )
),
named AS (
    SELECT w.line_id, f.payment_id, f.trace_id, f.captured, f.given_up
    FROM wanted_payments AS w
    INNER JOIN facts AS f ON w.payment_id = f.payment_id AND w.gateway = f.gateway
    UNION ALL
    SELECT w.line_id, f.payment_id, f.trace_id, f.captured, f.given_up
    FROM wanted_payments AS w
    INNER JOIN facts AS f
        ON w.gateway_ref = f.gateway_ref AND w.gateway = f.gateway AND w.gateway_account = f.gateway_account
)
SELECT
    line_id, payment_id,
    min(trace_id) AS trace_id,
    max(captured) AS captured,
    max(given_up) AS given_up
FROM named
GROUP BY line_id, payment_id
ORDER BY line_id NULLS LAST, payment_id NULLS LAST
