-- purpose: Journals that have not the entries which they say.
-- grain: one row per such journal.
SELECT j.journal_id, j.payment_id, j.entry_count, count(e.entry_id) AS entries
FROM journals AS j
LEFT JOIN ledger_entries AS e USING (journal_id)
GROUP BY j.journal_id, j.payment_id, j.entry_count
HAVING count(e.entry_id) <> j.entry_count
ORDER BY j.journal_id;
