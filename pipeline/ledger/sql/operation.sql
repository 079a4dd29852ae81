-- purpose: what is known of one thing asked of the gateway
-- grain: the operation, or none
-- parameters: payment_id, kind, sequence
SELECT payment_id, kind, sequence, amount_minor, status, gateway_key, operation_ref, error_code, first_sent_at
FROM operations
WHERE payment_id = %(payment_id)s AND kind = %(kind)s AND sequence = %(sequence)s
