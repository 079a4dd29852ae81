-- purpose: what the gateways say moved in the cohort: lines claimed by its movements, and its own unclaimed lines;
--          reads no classification
-- grain: one gateway, account and currency
-- inputs: lines, claims, movements
-- parameters: none
SELECT
    l.gateway, l.gateway_account, l.currency,
    count(*) AS lines,
    sum(CAST(l.amount_minor AS DECIMAL(38, 0))) AS amount_minor
FROM lines AS l
LEFT JOIN claims AS c ON l.line_id = c.line_id
LEFT JOIN (SELECT DISTINCT journal_id, in_cohort FROM movements) AS m ON c.journal_id = m.journal_id
WHERE CASE WHEN c.line_id IS NULL THEN l.in_cohort ELSE m.in_cohort END
GROUP BY l.gateway, l.gateway_account, l.currency
