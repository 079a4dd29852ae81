-- purpose: the payment that kept another from being opened
-- grain: a payment with this id or with this merchant's hash, the one with the id first
-- parameters: payment_id, merchant_id, idempotency_hash
SELECT * FROM payments
WHERE payment_id = %(payment_id)s
   OR (merchant_id = %(merchant_id)s AND idempotency_hash = %(idempotency_hash)s)
ORDER BY payment_id = %(payment_id)s DESC
LIMIT 1
