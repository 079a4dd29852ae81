-- purpose: writes what is known of one thing asked of the gateway; its key never changes
-- grain: the operation, or none where it is there under another key
-- parameters: payment_id, kind, sequence, amount_minor, status, gateway_key, operation_ref, error_code, first_sent_at, at
INSERT INTO operations AS o (
    payment_id, kind, sequence, amount_minor, status, gateway_key, operation_ref, error_code, first_sent_at, updated_at)
VALUES (%(payment_id)s, %(kind)s, %(sequence)s, %(amount_minor)s, %(status)s, %(gateway_key)s, %(operation_ref)s,
        %(error_code)s, %(first_sent_at)s, %(at)s)
ON CONFLICT (payment_id, kind, sequence) DO UPDATE
SET amount_minor = excluded.amount_minor, status = excluded.status,
    operation_ref = coalesce(excluded.operation_ref, o.operation_ref), error_code = excluded.error_code,
    first_sent_at = coalesce(o.first_sent_at, excluded.first_sent_at), updated_at = excluded.updated_at
WHERE o.gateway_key = excluded.gateway_key
