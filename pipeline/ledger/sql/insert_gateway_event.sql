-- purpose: remembers a gateway's event
-- grain: one row written, or none where it is remembered already
-- parameters: gateway, event_id, payment_id, kind, at
INSERT INTO gateway_events (gateway, event_id, payment_id, kind, received_at)
VALUES (%(gateway)s, %(event_id)s, %(payment_id)s, %(kind)s, %(at)s)
ON CONFLICT DO NOTHING
