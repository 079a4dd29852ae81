-- purpose: what the gateways' files say of the search range, every version of every line, as printed; recency says
--          in which file
-- grain: one line of one file
-- inputs: settlement_lines, known_files
-- parameters: search_from timestamp, as_of timestamp
SELECT
    l.line_id, l.native_id, l.line_no, l.gateway, l.gateway_account, l.kind, l.raw_type, l.operation_ref, l.charge_ref,
    l.gateway_ref, l.payment_ref, l.gross_currency, l.gross_minor, l.occurred_at, l.batch_id, f.received_at, f.recency
FROM settlement_lines AS l
INNER JOIN known_files AS f ON l.file_id = f.file_id
WHERE l.occurred_at >= :search_from AND l.occurred_at < :as_of
