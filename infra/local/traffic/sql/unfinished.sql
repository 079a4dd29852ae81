-- purpose: Payments whose saga is not over, and when recovery may take them.
-- grain: one row per such payment.
-- parameters: at, the instant from which the rest of the lease counts
SELECT payment_id, status, cause, greatest(extract(epoch FROM lease_until - %(at)s), 0)::float8 AS lease_s
FROM payments
WHERE lease_until IS NOT NULL
ORDER BY lease_until, payment_id;
