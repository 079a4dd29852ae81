-- purpose: what the relay has to deliver of a change
-- grain: a row per element of the arrays
-- parameters: payment_id, at; outbox_ids, kinds, bodies (arrays)
INSERT INTO outbox (outbox_id, payment_id, kind, body, created_at)
SELECT o.outbox_id, %(payment_id)s, o.kind, o.body, %(at)s
FROM unnest(%(outbox_ids)s::text[], %(kinds)s::text[], %(bodies)s::text[]) AS o (outbox_id, kind, body)
