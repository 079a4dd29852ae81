-- purpose: lines whose file landed in an interval, and how many of them the cohort's movements claim
-- grain: one gateway and account
-- inputs: lines, claims, movements
-- parameters: landed_from timestamp, landed_until timestamp
SELECT
    l.gateway, l.gateway_account,
    count(*) AS landed,
    count(c.line_id) AS claimed
FROM lines AS l
LEFT JOIN (
    SELECT line_id FROM claims WHERE journal_id IN (SELECT journal_id FROM movements WHERE in_cohort)
) AS c ON l.line_id = c.line_id
WHERE l.received_at >= :landed_from AND l.received_at < :landed_until
GROUP BY l.gateway, l.gateway_account
ORDER BY l.gateway NULLS LAST, l.gateway_account NULLS LAST
