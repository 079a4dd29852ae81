-- purpose: what the ledger says moved in the cohort; reads no classification
-- grain: one gateway, account and currency
-- inputs: movements
-- parameters: none
SELECT
    gateway, gateway_account, currency,
    count(*) AS movements,
    sum(CAST(amount_minor AS DECIMAL(38, 0))) AS amount_minor,
    sum(CAST(abs(amount_minor) AS DECIMAL(38, 0))) AS value_minor
FROM movements
WHERE in_cohort
GROUP BY gateway, gateway_account, currency
