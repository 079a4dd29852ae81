-- purpose: open days, for when things are due
-- grain: one version of one calendar day
-- inputs: business_days
-- parameters: known_at timestamp
SELECT calendar, day, open
FROM business_days
WHERE received_at IS NULL OR received_at < :known_at
ORDER BY calendar NULLS LAST, day NULLS LAST, received_at NULLS LAST
