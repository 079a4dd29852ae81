-- purpose: lines that several files tell differently: another amount, currency or kind under the same native_id
-- grain: one gateway, account and native_id
-- inputs: reported, told_again, known_files
-- parameters: none
SELECT
    r.gateway, r.gateway_account, r.native_id,
    max_by(f.file_id, r.recency) AS new_file_id,
    min_by(f.file_id, r.recency) AS old_file_id,
    max_by(r.gross_minor, r.recency) AS new_gross_minor,
    min_by(r.gross_minor, r.recency) AS old_gross_minor,
    max_by(r.kind, r.recency) AS new_kind,
    min_by(r.kind, r.recency) AS old_kind,
    max_by(r.gross_currency, r.recency) AS new_currency,
    min_by(r.gross_currency, r.recency) AS old_currency
FROM reported AS r
INNER JOIN known_files AS f ON r.recency = f.recency
INNER JOIN told_again AS t ON r.native_id = t.native_id
GROUP BY r.gateway, r.gateway_account, r.native_id
HAVING
    min(r.kind) <> max(r.kind) OR min(r.gross_currency) <> max(r.gross_currency)
    OR min(r.gross_minor) <> max(r.gross_minor)
ORDER BY r.gateway NULLS LAST, r.gateway_account NULLS LAST, r.native_id NULLS LAST
