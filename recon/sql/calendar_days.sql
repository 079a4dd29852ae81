-- purpose: open days, for when things are due: of each day the version that arrived last
-- grain: one day of one calendar
-- inputs: business_days
-- parameters: known_at timestamp
WITH versions AS (
    SELECT
        calendar, day, open,
        row_number() OVER (
            PARTITION BY calendar, day ORDER BY received_at DESC NULLS LAST, source_path DESC NULLS LAST, open
        ) AS version
    FROM business_days
    WHERE received_at IS NULL OR received_at < :known_at
)
SELECT calendar, day, open
FROM versions
WHERE version = 1
ORDER BY calendar NULLS LAST, day NULLS LAST
