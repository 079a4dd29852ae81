-- purpose: exact percentiles (nearest rank) of every measure and step, over all, by gateway, by hour and by both
-- grain: one measure, step, gateway ('all' for both) and hour (none for the whole window)
-- inputs: latency_lengths
-- parameters: none
WITH keyed AS (
    SELECT measure, step, 'all' AS gateway, CAST(NULL AS TIMESTAMP) AS hour_at, us, spans
    FROM latency_lengths
    UNION ALL
    SELECT measure, step, gateway, CAST(NULL AS TIMESTAMP) AS hour_at, us, spans
    FROM latency_lengths
    WHERE gateway IS NOT NULL
    UNION ALL
    SELECT measure, step, 'all' AS gateway, hour_at, us, spans
    FROM latency_lengths
    UNION ALL
    SELECT measure, step, gateway, hour_at, us, spans
    FROM latency_lengths
    WHERE gateway IS NOT NULL
),
lengths AS (
    SELECT measure, step, gateway, hour_at, us, sum(CAST(spans AS DECIMAL(38, 0))) AS many
    FROM keyed
    GROUP BY measure, step, gateway, hour_at, us
),
placed AS (
    SELECT
        measure, step, gateway, hour_at, us, many,
        CAST(sum(CAST(many AS DECIMAL(38, 0))) OVER (
            PARTITION BY measure, step, gateway, hour_at ORDER BY us
        ) AS BIGINT) AS upto,
        CAST(sum(CAST(many AS DECIMAL(38, 0))) OVER (
            PARTITION BY measure, step, gateway, hour_at
        ) AS BIGINT) AS total
    FROM lengths
)
SELECT
    measure, step, gateway, hour_at,
    max(total) AS spans,
    min(us) AS min_us,
    min(us) FILTER (WHERE upto * 100 >= total * 50) AS p50_us,
    min(us) FILTER (WHERE upto * 100 >= total * 95) AS p95_us,
    min(us) FILTER (WHERE upto * 100 >= total * 99) AS p99_us,
    max(us) AS max_us,
    CAST(sum(CAST(us AS DECIMAL(38, 0)) * CAST(many AS DECIMAL(38, 0))) AS BIGINT) AS total_us
FROM placed
GROUP BY measure, step, gateway, hour_at
ORDER BY measure, step, gateway, hour_at NULLS LAST
