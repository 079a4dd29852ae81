-- purpose: journals that are here in full and whose debits do not equal their credits
-- grain: one journal and currency
-- inputs: ledger_entries
-- parameters: cohort_from timestamp, cohort_to timestamp
WITH entries AS (
    SELECT
        entry_id,
        min(journal_id) AS journal_id,
        min(payment_id) AS payment_id,
        min(gateway) AS gateway,
        min(gateway_account) AS gateway_account,
        min(trace_id) AS trace_id,
        min(currency) AS currency,
        min(step) AS step,
        min(journal_entry_count) AS journal_entry_count,
        min(CASE direction WHEN 'D' THEN amount_minor ELSE 0 END) AS debit_minor,
        min(CASE direction WHEN 'D' THEN 0 ELSE amount_minor END) AS credit_minor
    FROM ledger_entries
    WHERE
        event_at >= :cohort_from AND event_at < :cohort_to
        AND dt >= CAST(:cohort_from AS DATE) AND dt <= CAST(:cohort_to - INTERVAL '1' SECOND AS DATE)
    GROUP BY entry_id
),
complete AS (
    SELECT journal_id
    FROM entries
    GROUP BY journal_id
    HAVING count(*) = min(journal_entry_count) AND min(journal_entry_count) = max(journal_entry_count)
)
SELECT
    journal_id,
    currency,
    min(payment_id) AS payment_id,
    min(gateway) AS gateway,
    min(gateway_account) AS gateway_account,
    min(trace_id) AS trace_id,
    min(step) AS step,
    CAST(sum(CAST(debit_minor AS DECIMAL(38, 0))) AS BIGINT) AS debit_minor,
    CAST(sum(CAST(credit_minor AS DECIMAL(38, 0))) AS BIGINT) AS credit_minor
FROM entries
WHERE journal_id IN (SELECT journal_id FROM complete)
GROUP BY journal_id, currency
HAVING sum(CAST(debit_minor AS DECIMAL(38, 0))) <> sum(CAST(credit_minor AS DECIMAL(38, 0)))
ORDER BY journal_id NULLS LAST, currency NULLS LAST
