-- purpose: forgets exactly the outbox rows that were delivered
-- grain: an outbox row
-- parameters: outbox_ids (array)
DELETE FROM outbox WHERE outbox_id = ANY (%(outbox_ids)s::text[])
