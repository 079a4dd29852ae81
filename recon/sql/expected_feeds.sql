-- purpose: which report is expected when, latest known version
-- grain: one report of one account
-- inputs: feed_expectations
-- parameters: known_at timestamp
WITH versions AS (
    SELECT
        gateway, gateway_account, report_type, cadence, time_zone, cut_off, lag_business_days, grace_hours, calendar,
        row_number() OVER (
            PARTITION BY gateway, gateway_account, report_type ORDER BY received_at DESC NULLS LAST, source_path
        ) AS version
    FROM feed_expectations
    WHERE received_at IS NULL OR received_at < :known_at
)
SELECT
    gateway, gateway_account, report_type, cadence, time_zone, cut_off, lag_business_days, grace_hours, calendar
FROM versions
WHERE version = 1
