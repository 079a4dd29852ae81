-- purpose: writes the entries of a change's journals
-- grain: an entry per element of the arrays
-- parameters: entry_ids, journal_ids, line_nos, entry_counts, accounts, directions, amounts, currencies (arrays)
INSERT INTO ledger_entries (entry_id, journal_id, line_no, entry_count, account, direction, amount_minor, currency)
SELECT * FROM unnest(
    %(entry_ids)s::text[], %(journal_ids)s::text[], %(line_nos)s::integer[], %(entry_counts)s::integer[],
    %(accounts)s::text[], %(directions)s::text[], %(amounts)s::bigint[], %(currencies)s::text[])
