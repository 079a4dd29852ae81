-- purpose: Holds that are open in the ledger.
-- grain: one row per payment that has one.
SELECT j.payment_id, e.currency,
       sum(CASE e.direction WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) AS held_minor
FROM journals AS j
JOIN ledger_entries AS e USING (journal_id)
WHERE starts_with(e.account, 'authorization_hold:')
GROUP BY j.payment_id, e.currency
HAVING sum(CASE e.direction WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) <> 0
ORDER BY j.payment_id;
