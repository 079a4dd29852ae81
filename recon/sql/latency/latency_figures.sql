-- purpose: exact percentiles (nearest rank) of every measure and step, over all, by gateway, by hour and by both
-- grain: one measure, step, gateway ('all' for both) and hour (none for the whole window)
-- inputs: latency_spans
-- parameters: none
WITH keyed AS (
    SELECT measure, step, 'all' AS gateway, CAST(NULL AS TIMESTAMP) AS hour_at, us, payment_id, number
    FROM latency_spans
    UNION ALL
    SELECT measure, step, gateway, CAST(NULL AS TIMESTAMP) AS hour_at, us, payment_id, number
    FROM latency_spans
    WHERE gateway IS NOT NULL
    UNION ALL
    SELECT measure, step, 'all' AS gateway, hour_at, us, payment_id, number
    FROM latency_spans
    UNION ALL
    SELECT measure, step, gateway, hour_at, us, payment_id, number
    FROM latency_spans
    WHERE gateway IS NOT NULL
),
placed AS (
    SELECT
        measure, step, gateway, hour_at, us,
        row_number() OVER (
            PARTITION BY measure, step, gateway, hour_at ORDER BY us, payment_id, number
        ) AS place,
        count(*) OVER (PARTITION BY measure, step, gateway, hour_at) AS many
    FROM keyed
)
SELECT
    measure, step, gateway, hour_at,
    count(*) AS spans,
    min(us) AS min_us,
    min(us) FILTER (WHERE place * 100 >= many * 50) AS p50_us,
    min(us) FILTER (WHERE place * 100 >= many * 95) AS p95_us,
    min(us) FILTER (WHERE place * 100 >= many * 99) AS p99_us,
    max(us) AS max_us,
    CAST(sum(CAST(us AS DECIMAL(38, 0))) AS BIGINT) AS total_us
FROM placed
GROUP BY measure, step, gateway, hour_at
ORDER BY measure, step, gateway, hour_at NULLS LAST
