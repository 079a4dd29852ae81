-- purpose: Every payment as it stands.
-- grain: one row per payment.
SELECT payment_id, merchant_id, reference, status, gateway, gateway_ref, amount_minor, currency, authorized_minor,
       captured_minor, cause, lease_until IS NOT NULL AS leased, fence - saga_sequence AS takeovers
FROM payments
ORDER BY payment_id;
