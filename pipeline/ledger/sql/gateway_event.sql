-- purpose: whether a gateway's event is remembered
-- grain: a row, or none
-- parameters: gateway, event_id
SELECT kind FROM gateway_events WHERE gateway = %(gateway)s AND event_id = %(event_id)s
