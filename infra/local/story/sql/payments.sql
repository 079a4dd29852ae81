-- purpose: Every payment with what leads from it to its journals.
-- grain: one row per payment.
SELECT p.payment_id, p.merchant_id, p.reference, p.status, p.gateway, p.gateway_account, p.gateway_ref, p.amount_minor,
       p.currency, p.captured_minor, p.trace_id,
       coalesce(array_agg(j.journal_id ORDER BY j.journal_id) FILTER (WHERE j.journal_id IS NOT NULL), '{}') AS journals,
       coalesce(array_agg(j.step ORDER BY j.journal_id) FILTER (WHERE j.journal_id IS NOT NULL), '{}') AS steps
FROM payments AS p
LEFT JOIN journals AS j USING (payment_id)
GROUP BY p.payment_id
ORDER BY p.payment_id;
