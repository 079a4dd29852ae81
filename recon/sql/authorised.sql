-- purpose: what a gateway authorised, from reports of status, for payments that settled below the ledger
-- grain: one account, payment reference and currency
-- inputs: status_lines, wanted_refs
-- parameters: known_at timestamp
SELECT
    s.gateway_account, s.gateway_ref, s.payment_currency AS currency,
    max(s.authorised_minor) AS authorised_minor
FROM status_lines AS s
INNER JOIN wanted_refs AS w ON s.gateway_account = w.gateway_account AND s.gateway_ref = w.gateway_ref
WHERE
    s.received_at < :known_at AND s.authorised_minor > 0
    AND translate(s.raw_type, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') = 'authorised'
GROUP BY s.gateway_account, s.gateway_ref, s.payment_currency
ORDER BY gateway_account NULLS LAST, gateway_ref NULLS LAST, currency NULLS LAST
