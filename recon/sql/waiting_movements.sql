-- purpose: movements of the cohort whose line is not due or whose file is not here, named by no line
-- grain: one gateway, account and currency
-- inputs: loose_movements
-- parameters: none
SELECT
    gateway, gateway_account, currency,
    count(*) AS movements,
    sum(CAST(amount_minor AS DECIMAL(38, 0))) AS amount_minor
FROM loose_movements
WHERE in_cohort AND NOT is_touched AND NOT is_double AND NOT is_decidable
GROUP BY gateway, gateway_account, currency
