-- purpose: every claim: pairs beyond doubt, except of payments that were decided one by one, and what was decided there
-- grain: one movement and one line
-- inputs: matched, touched, decided_claims
-- parameters: none
SELECT m.journal_id, m.line_id, m.rule
FROM matched AS m
LEFT JOIN touched AS t
    ON m.gateway = t.gateway AND m.gateway_account = t.gateway_account AND m.payment_id = t.payment_id
WHERE t.payment_id IS NULL
UNION ALL
SELECT journal_id, line_id, rule FROM decided_claims
