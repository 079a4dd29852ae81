-- purpose: where the lake holds fewer ledger entries than the ledger says it wrote
-- grain: one hour, currency, step and bucket of payments
-- inputs: ledger_control, ledger_entries
-- parameters: hours_from timestamp, hours_until timestamp
WITH revisions AS (
    SELECT
        hour_start, covers_until, currency, step, bucket, entry_count, debit_minor,
        row_number() OVER (
            PARTITION BY hour_start, currency, step, bucket ORDER BY recorded_at DESC NULLS LAST, source_path
        ) AS version
    FROM ledger_control
    WHERE
        hour_start >= :hours_from AND hour_start < :hours_until
        AND dt >= CAST(:hours_from AS DATE) AND dt <= CAST(:hours_until - INTERVAL '1' SECOND AS DATE)
),
entries AS (
    SELECT
        entry_id,
        date_trunc('hour', min(event_at)) AS hour_start,
        min(event_at) AS event_at,
        min(currency) AS currency,
        min(step) AS step,
        min(mod(coalesce(payment_id, 0), 256)) AS bucket,
        min(CASE direction WHEN 'D' THEN amount_minor ELSE 0 END) AS debit_minor
    FROM ledger_entries
    WHERE
        event_at >= :hours_from AND event_at < :hours_until
        AND dt >= CAST(:hours_from AS DATE) AND dt <= CAST(:hours_until - INTERVAL '1' SECOND AS DATE)
    GROUP BY entry_id
),
compared AS (
    SELECT
        r.hour_start, r.currency, r.step, r.bucket, r.entry_count, r.debit_minor,
        count(e.entry_id) AS lake_count,
        CAST(sum(CAST(coalesce(e.debit_minor, 0) AS DECIMAL(38, 0))) AS BIGINT) AS lake_debit_minor
    FROM revisions AS r
    LEFT JOIN entries AS e
        ON
            r.hour_start = e.hour_start AND r.currency = e.currency AND r.step = e.step AND r.bucket = e.bucket
            AND e.event_at < r.covers_until
    WHERE r.version = 1
    GROUP BY r.hour_start, r.currency, r.step, r.bucket, r.entry_count, r.debit_minor
)
SELECT
    hour_start, currency, step, bucket,
    entry_count - lake_count AS missing_entries,
    debit_minor - lake_debit_minor AS missing_debit_minor
FROM compared
WHERE lake_count < entry_count
ORDER BY hour_start NULLS LAST, currency NULLS LAST, step NULLS LAST, bucket NULLS LAST
