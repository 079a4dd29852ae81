-- purpose: what earlier journals of a payment left
-- grain: one row: the open hold in minor units, and whether COMMIT was posted
-- parameters: payment_id
SELECT coalesce(sum(CASE e.direction WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END)
                FILTER (WHERE e.account = 'authorization_hold:' || j.merchant_id), 0)::bigint AS held_minor,
       coalesce(bool_or(j.step = 'COMMIT'), false) AS committed
FROM journals AS j
JOIN ledger_entries AS e ON e.journal_id = j.journal_id
WHERE j.payment_id = %(payment_id)s
