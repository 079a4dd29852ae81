-- purpose: lends the oldest outbox rows that nobody has to one relay, until taken_until
-- grain: an outbox row, in no order
-- parameters: payment_id (null: of any payment), kinds (array; null: of any kind), at, taken_until, limit
-- No lock outlives the statement: the relay delivers outside a transaction and deletes what it delivered.
WITH free AS MATERIALIZED (
    SELECT outbox_id FROM outbox
    WHERE (taken_until IS NULL OR taken_until <= %(at)s)
      AND (%(payment_id)s::bigint IS NULL OR payment_id = %(payment_id)s::bigint)
      AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s::text[]))
    ORDER BY outbox_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED)
UPDATE outbox AS o SET taken_until = %(taken_until)s
FROM free WHERE o.outbox_id = free.outbox_id
RETURNING o.outbox_id, o.payment_id, o.kind, o.body, o.created_at
