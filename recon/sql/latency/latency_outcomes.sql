-- purpose: where the payments of each hour stand at last
-- grain: one gateway, hour and status
-- inputs: latency_payments
-- parameters: none
SELECT gateway, hour_at, last_status, count(*) AS payments
FROM latency_payments
GROUP BY gateway, hour_at, last_status
ORDER BY gateway NULLS LAST, hour_at, last_status
