-- purpose: returns outbox rows that could not be delivered before their time is over
-- grain: an outbox row
-- parameters: outbox_ids (array), taken_until (of the loan: another's later loan stays)
UPDATE outbox SET taken_until = NULL WHERE outbox_id = ANY (%(outbox_ids)s::text[]) AND taken_until = %(taken_until)s
