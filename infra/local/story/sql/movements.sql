-- purpose: What moved between a gateway and us, as the lake is told it.
-- grain: one row per journal that touches gateway_clearing.
SELECT j.journal_id, j.payment_id, j.step, j.sequence, j.operation_ref, p.gateway, p.gateway_account, e.currency,
       j.event_at, sum(CASE e.direction WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END)::bigint AS amount_minor
FROM journals AS j
JOIN ledger_entries AS e USING (journal_id)
JOIN payments AS p USING (payment_id)
WHERE starts_with(e.account, 'gateway_clearing:')
GROUP BY j.journal_id, p.payment_id, e.currency
ORDER BY j.event_at, j.journal_id;
