-- purpose: payments whose saga was interrupted
-- grain: a payment, the oldest lease first
-- parameters: at, limit
SELECT payment_id FROM payments WHERE lease_until <= %(at)s ORDER BY lease_until, payment_id LIMIT %(limit)s
