-- purpose: the intentions of a payment's sagas and how they ended
-- grain: a row of the saga journal, in the order of first writing
-- parameters: payment_id
SELECT step, sequence, direction, state, fence, attempts, detail
FROM saga_journal
WHERE payment_id = %(payment_id)s
ORDER BY position
