-- purpose: gives a payment that was locked to an execution, with the next fence
-- grain: the payment
-- parameters: payment_id, execution, lease_until, saga, saga_hash, saga_sequence, last_change, at
UPDATE payments
SET fence = fence + 1, execution = %(execution)s, lease_until = %(lease_until)s, saga = %(saga)s,
    saga_hash = %(saga_hash)s, saga_sequence = %(saga_sequence)s, last_change = %(last_change)s, updated_at = %(at)s
WHERE payment_id = %(payment_id)s
RETURNING *
