-- purpose: how many of the cohort's movements are claimed, and their value
-- grain: one gateway, account and currency
-- inputs: claims, movements
-- parameters: none
SELECT
    gateway, gateway_account, currency,
    count(*) AS movements,
    sum(CAST(amount_minor AS DECIMAL(38, 0))) AS amount_minor,
    sum(CAST(abs(amount_minor) AS DECIMAL(38, 0))) AS value_minor
FROM movements
WHERE in_cohort AND journal_id IN (SELECT journal_id FROM claims)
GROUP BY gateway, gateway_account, currency
