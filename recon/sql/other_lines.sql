-- purpose: what files say of all payments but those that are answered alone
-- grain: one line of one file
-- inputs: reported, answered_alone
-- parameters: none
SELECT
    r.line_id, r.native_id, r.file_id, r.line_no, r.gateway, r.gateway_account, r.kind, r.raw_type, r.operation_ref,
    r.charge_ref, r.gateway_ref, r.payment_ref, r.gross_currency, r.gross_minor, r.occurred_at, r.received_at,
    r.batch_id, r.fill_order, r.recency
FROM reported AS r
LEFT JOIN answered_alone AS a ON r.payment_ref = a.payment_ref
WHERE a.payment_ref IS NULL
