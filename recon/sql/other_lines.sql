-- purpose: what files say of all payments but those that are answered alone; references as they can be compared
-- grain: one line of one file
-- inputs: reported, answered_alone, known_files
-- parameters: none
SELECT
    r.line_id, r.native_id, f.file_id, r.line_no, r.gateway, r.gateway_account, r.kind, r.raw_type,
    nullif(trim(BOTH ' ' FROM r.operation_ref), '') AS operation_ref,
    nullif(trim(BOTH ' ' FROM r.charge_ref), '') AS charge_ref,
    nullif(trim(BOTH ' ' FROM r.gateway_ref), '') AS gateway_ref,
    CASE
        WHEN
            regexp_like(r.payment_ref, '^[1-9][0-9]{0,18}\z')
            AND (length(r.payment_ref) < 19 OR r.payment_ref <= '9223372036854775807')
            THEN r.payment_ref
    END AS payment_ref,
    r.gross_currency, r.gross_minor, r.occurred_at, r.received_at, r.batch_id, f.fill_order, r.recency
FROM reported AS r
INNER JOIN known_files AS f ON r.recency = f.recency
LEFT JOIN answered_alone AS a ON r.payment_ref = a.payment_ref
WHERE a.payment_ref IS NULL
