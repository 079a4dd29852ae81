-- purpose: what the gateways' files say of the search range, every version of every line
-- grain: one line of one file
-- inputs: settlement_lines, known_files
-- parameters: search_from timestamp, as_of timestamp
SELECT
    l.line_id, l.native_id, l.file_id, l.line_no, l.gateway, l.gateway_account, l.kind, l.raw_type,
    CASE
        WHEN l.operation_ref LIKE ' %' OR l.operation_ref LIKE '% ' OR l.operation_ref = ''
            THEN nullif(trim(BOTH ' ' FROM l.operation_ref), '')
        ELSE l.operation_ref
    END AS operation_ref,
    CASE
        WHEN l.charge_ref LIKE ' %' OR l.charge_ref LIKE '% ' OR l.charge_ref = ''
            THEN nullif(trim(BOTH ' ' FROM l.charge_ref), '')
        ELSE l.charge_ref
    END AS charge_ref,
    CASE
        WHEN l.gateway_ref LIKE ' %' OR l.gateway_ref LIKE '% ' OR l.gateway_ref = ''
            THEN nullif(trim(BOTH ' ' FROM l.gateway_ref), '')
        ELSE l.gateway_ref
    END AS gateway_ref,
    CASE
        WHEN
            regexp_like(l.payment_ref, '^[1-9][0-9]{0,18}\z')
            AND (length(l.payment_ref) < 19 OR l.payment_ref <= '9223372036854775807')
            THEN l.payment_ref
    END AS payment_ref,
    l.gross_currency, l.gross_minor, l.occurred_at, f.received_at, l.batch_id, f.fill_order, f.recency
FROM settlement_lines AS l
INNER JOIN known_files AS f ON l.file_id = f.file_id
WHERE l.occurred_at >= :search_from AND l.occurred_at < :as_of
