-- purpose: lines to be decided one by one: the loose ones, and those matched to a movement of a touched payment
-- grain: one line
-- inputs: lines, loose_lines, matched, touched
-- parameters: none
SELECT
    line_id, native_id, file_id, line_no, gateway, gateway_account, kind, raw_type, operation_ref, charge_ref,
    gateway_ref, payment_ref, batch_id, currency, amount_minor, occurred_at, received_at, in_cohort
FROM loose_lines
UNION ALL
SELECT
    l.line_id, l.native_id, l.file_id, l.line_no, l.gateway, l.gateway_account, l.kind, l.raw_type, l.operation_ref,
    l.charge_ref, l.gateway_ref, l.payment_ref, l.batch_id, l.currency, l.amount_minor, l.occurred_at, l.received_at,
    l.in_cohort
FROM lines AS l
INNER JOIN matched AS m ON l.line_id = m.line_id
INNER JOIN touched AS t
    ON m.gateway = t.gateway AND m.gateway_account = t.gateway_account AND m.payment_id = t.payment_id
