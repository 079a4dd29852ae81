-- purpose: Payments that were voided, declined or rejected, or whose hold was released, and since when.
-- grain: one row per such payment.
SELECT p.payment_id, coalesce(min(j.event_at), p.updated_at) AS given_up_at
FROM payments AS p
LEFT JOIN journals AS j ON j.payment_id = p.payment_id AND j.step = 'RELEASE'
WHERE p.status IN ('VOIDED', 'DECLINED', 'REJECTED') OR j.journal_id IS NOT NULL
GROUP BY p.payment_id
ORDER BY p.payment_id;
