-- purpose: journals whose entries do not balance per currency, or are not as many as the journal says
-- grain: one row: how many such journals happened from since on, before until
-- parameters: since, until
WITH sides AS (
    SELECT j.journal_id, j.entry_count, count(e.entry_id) AS entries,
           sum(CASE e.direction WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) AS net_minor
    FROM journals AS j
    LEFT JOIN ledger_entries AS e ON e.journal_id = j.journal_id
    WHERE j.event_at >= %(since)s AND j.event_at < %(until)s
    GROUP BY j.journal_id, j.entry_count, e.currency),
crooked AS (
    SELECT journal_id FROM sides
    GROUP BY journal_id, entry_count
    HAVING sum(entries) <> entry_count OR bool_or(net_minor <> 0))
SELECT count(*) AS journals FROM crooked
