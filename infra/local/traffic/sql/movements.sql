-- purpose: What moved between a gateway and us.
-- grain: one row per journal that touches gateway_clearing.
SELECT j.payment_id, j.step, j.sequence, j.operation_ref, e.account, e.direction, e.amount_minor, e.currency
FROM journals AS j
JOIN ledger_entries AS e USING (journal_id)
WHERE starts_with(e.account, 'gateway_clearing:') AND j.payment_id IS NOT NULL
ORDER BY j.payment_id, j.recorded_at, j.journal_id;
