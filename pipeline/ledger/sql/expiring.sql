-- purpose: payments that rest authorised while their hold is about to lapse
-- grain: a payment, the soonest first
-- parameters: before, limit
SELECT payment_id FROM payments
WHERE status = 'AUTHORIZED' AND lease_until IS NULL AND hold_expires_at < %(before)s
ORDER BY hold_expires_at, payment_id
LIMIT %(limit)s
