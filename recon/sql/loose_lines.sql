-- purpose: lines that no movement answers beyond doubt
-- grain: one line
-- inputs: lines, matched
-- parameters: none
SELECT
    line_id, native_id, file_id, line_no, gateway, gateway_account, kind, raw_type, operation_ref, charge_ref,
    gateway_ref, payment_ref, batch_id, currency, amount_minor, occurred_at, received_at, in_cohort
FROM lines
WHERE line_id NOT IN (SELECT line_id FROM matched)
