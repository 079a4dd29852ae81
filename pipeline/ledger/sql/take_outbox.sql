-- purpose: lends the oldest outbox rows that nobody has to one relay, until taken_until
-- grain: an outbox row, in no order
-- parameters: payment_id (null: of any payment), kinds (array; null: of any kind), at, taken_until, limit
-- No lock outlives the statement: the relay delivers outside a transaction and deletes what it delivered.
-- As an array the ids are looked up one by one; joined, they would have the whole table read for every round.
UPDATE outbox SET taken_until = %(taken_until)s
WHERE outbox_id = ANY (ARRAY (
    SELECT outbox_id FROM outbox
    WHERE (taken_until IS NULL OR taken_until <= %(at)s)
      AND (%(payment_id)s::bigint IS NULL OR payment_id = %(payment_id)s::bigint)
      AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s::text[]))
    ORDER BY outbox_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED))
RETURNING outbox_id, payment_id, kind, body, created_at
