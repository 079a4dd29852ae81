-- purpose: What was asked of the gateways, by the key that was sent.
-- grain: one row per payment, kind and sequence.
SELECT o.payment_id, p.gateway, o.kind, o.sequence, o.gateway_key, o.status, o.amount_minor, p.currency, o.operation_ref,
       o.error_code
FROM operations AS o
JOIN payments AS p USING (payment_id)
ORDER BY o.payment_id, o.first_sent_at, o.kind, o.sequence;
