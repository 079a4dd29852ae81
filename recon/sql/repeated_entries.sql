-- purpose: ledger entries that were delivered more than once, and those whose copies differ
-- grain: one hour
-- inputs: ledger_entries
-- parameters: cohort_from timestamp, cohort_to timestamp
WITH copies AS (
    SELECT
        entry_id,
        min(date_trunc('hour', event_at)) AS hour_start,
        count(*) AS copies,
        CASE
            WHEN
                min(journal_id) = max(journal_id) AND min(account) = max(account) AND min(direction) = max(direction)
                AND min(amount_minor) = max(amount_minor) AND min(currency) = max(currency)
                AND min(event_at) = max(event_at)
                THEN 0
            ELSE 1
        END AS differs
    FROM ledger_entries
    WHERE
        event_at >= :cohort_from AND event_at < :cohort_to
        AND dt >= CAST(:cohort_from AS DATE) AND dt <= CAST(:cohort_to - INTERVAL '1' SECOND AS DATE)
    GROUP BY entry_id
    HAVING count(*) > 1
)
SELECT
    hour_start,
    count(*) AS repeated,
    CAST(sum(CAST(differs AS DECIMAL(38, 0))) AS BIGINT) AS differing,
    min(entry_id) AS first_entry_id
FROM copies
GROUP BY hour_start
ORDER BY hour_start NULLS LAST
