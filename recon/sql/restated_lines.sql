-- purpose: what a restated file changed against the file that it supersedes
-- grain: one line that stands in only one of the two files, or with another amount, currency or kind
-- inputs: settlement_lines
-- parameters: new_file text, old_file text
WITH new_lines AS (
    SELECT native_id, kind, gross_minor, gross_currency, net_minor, line_no
    FROM settlement_lines
    WHERE file_id = :new_file
),
old_lines AS (
    SELECT native_id, kind, gross_minor, gross_currency, net_minor, line_no
    FROM settlement_lines
    WHERE file_id = :old_file
)
SELECT
    coalesce(n.native_id, o.native_id) AS native_id,
    o.kind AS old_kind, n.kind AS new_kind,
    o.gross_minor AS old_gross_minor, n.gross_minor AS new_gross_minor,
    o.gross_currency AS old_currency, n.gross_currency AS new_currency,
    o.line_no AS old_line_no, n.line_no AS new_line_no
FROM new_lines AS n
FULL OUTER JOIN old_lines AS o ON n.native_id = o.native_id
WHERE
    n.native_id IS NULL OR o.native_id IS NULL
    OR n.kind IS DISTINCT FROM o.kind OR n.gross_minor IS DISTINCT FROM o.gross_minor
    OR n.gross_currency IS DISTINCT FROM o.gross_currency OR n.net_minor IS DISTINCT FROM o.net_minor
ORDER BY native_id NULLS LAST
LIMIT 50
