-- purpose: Every entry of the ledger, as the lake is told it.
-- grain: one row per entry.
SELECT e.entry_id, j.journal_id, j.payment_id, j.step, e.account, e.currency, e.direction, e.amount_minor, j.event_at
FROM ledger_entries AS e
JOIN journals AS j USING (journal_id)
WHERE j.payment_id IS NOT NULL
ORDER BY e.entry_id;
