-- purpose: writes a payment that enters and tells of it, unless its id or its merchant's hash is there already
-- grain: the payment's id, or none where it was there
-- parameters: the columns of payments as a payment begins with them, outbox_id, body
WITH opened AS (
    INSERT INTO payments (
        payment_id, merchant_id, amount_minor, currency, status, version, fence, gateway, gateway_account, capture_mode,
        method_token, idempotency_hash, trace_id, reference, metadata, saga, saga_hash, saga_sequence, execution,
        lease_until, captured_minor, refunded_minor, event_seq, last_change, created_at, updated_at)
    VALUES (
        %(payment_id)s, %(merchant_id)s, %(amount_minor)s, %(currency)s, %(status)s, %(version)s, %(fence)s, %(gateway)s,
        %(gateway_account)s, %(capture_mode)s, %(method_token)s, %(idempotency_hash)s, %(trace_id)s, %(reference)s,
        %(metadata)s::jsonb, %(saga)s, %(saga_hash)s, %(saga_sequence)s, %(execution)s, %(lease_until)s, 0, 0, 0,
        %(last_change)s, %(created_at)s, %(updated_at)s)
    ON CONFLICT DO NOTHING
    RETURNING payment_id)
INSERT INTO outbox (outbox_id, payment_id, kind, body, created_at)
SELECT %(outbox_id)s, opened.payment_id, 'payment_state', %(body)s, %(created_at)s
FROM opened
