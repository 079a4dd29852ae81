-- purpose: payment states that were delivered more than once, and those whose copies differ
-- grain: one hour
-- inputs: payment_states
-- parameters: cohort_from timestamp, cohort_to timestamp
WITH copies AS (
    SELECT
        payment_id,
        version,
        min(date_trunc('hour', event_at)) AS hour_start,
        count(*) AS copies,
        CASE
            WHEN min(status) = max(status) AND min(event_at) = max(event_at) THEN 0
            ELSE 1
        END AS differs
    FROM payment_states
    WHERE
        event_at >= :cohort_from AND event_at < :cohort_to
        AND dt >= CAST(:cohort_from AS DATE) AND dt <= CAST(:cohort_to - INTERVAL '1' SECOND AS DATE)
    GROUP BY payment_id, version
    HAVING count(*) > 1
)
SELECT
    hour_start,
    count(*) AS repeated,
    CAST(sum(CAST(differs AS DECIMAL(38, 0))) AS BIGINT) AS differing,
    min(CAST(payment_id AS VARCHAR)) AS first_entry_id
FROM copies
GROUP BY hour_start
ORDER BY hour_start NULLS LAST
