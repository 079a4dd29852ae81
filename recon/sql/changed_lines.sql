-- purpose: lines that several files tell differently: another amount, currency or kind under the same native_id
-- grain: one gateway, account and native_id
-- inputs: settlement_lines, known_files
-- parameters: search_from timestamp, as_of timestamp
SELECT
    l.gateway, l.gateway_account, l.native_id,
    max_by(l.file_id, f.recency) AS new_file_id,
    min_by(l.file_id, f.recency) AS old_file_id,
    max_by(l.gross_minor, f.recency) AS new_gross_minor,
    min_by(l.gross_minor, f.recency) AS old_gross_minor,
    max_by(l.kind, f.recency) AS new_kind,
    min_by(l.kind, f.recency) AS old_kind,
    max_by(l.gross_currency, f.recency) AS new_currency,
    min_by(l.gross_currency, f.recency) AS old_currency
FROM settlement_lines AS l
INNER JOIN known_files AS f ON l.file_id = f.file_id
WHERE l.occurred_at >= :search_from AND l.occurred_at < :as_of
GROUP BY l.gateway, l.gateway_account, l.native_id
HAVING
    min(l.kind) <> max(l.kind) OR min(l.gross_currency) <> max(l.gross_currency)
    OR min(l.gross_minor) <> max(l.gross_minor)
ORDER BY l.gateway NULLS LAST, l.gateway_account NULLS LAST, l.native_id NULLS LAST
