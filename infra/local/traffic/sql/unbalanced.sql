-- purpose: Journals whose debits and credits differ.
-- grain: one row per such journal and currency.
SELECT j.journal_id, j.payment_id, e.currency,
       sum(CASE e.direction WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) AS net_minor
FROM journals AS j
JOIN ledger_entries AS e USING (journal_id)
GROUP BY j.journal_id, j.payment_id, e.currency
HAVING sum(CASE e.direction WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) <> 0
ORDER BY j.journal_id;
