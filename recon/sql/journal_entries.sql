-- purpose: the ledger entries behind given journals, as evidence
-- grain: one entry
-- inputs: ledger_entries, wanted_journals
-- parameters: search_from timestamp, as_of timestamp
SELECT DISTINCT e.journal_id, e.entry_id
FROM ledger_entries AS e
INNER JOIN wanted_journals AS w ON e.journal_id = w.journal_id
WHERE e.event_at >= :search_from AND e.event_at < :as_of AND e.account LIKE 'gateway_clearing:%'
ORDER BY e.journal_id NULLS LAST, e.entry_id NULLS LAST
