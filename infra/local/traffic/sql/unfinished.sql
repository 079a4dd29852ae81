-- purpose: Payments whose saga is not over, and when recovery may take them.
-- grain: one row per such payment.
SELECT payment_id, status, cause, greatest(extract(epoch FROM lease_until - now()), 0)::float8 AS lease_s
FROM payments
WHERE lease_until IS NOT NULL
ORDER BY lease_until, payment_id;
