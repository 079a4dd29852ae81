-- purpose: every offer of a settlement file, to be sorted into what was known when
-- grain: one offer of one file
-- inputs: feed_files
-- parameters: none
SELECT
    file_id, content_id, name, gateway, gateway_account, report_type, role, batch_id, covers_from, covers_until,
    received_at, rows, provides, status, supersedes_file_id, faults, recorded_at, source_path
FROM feed_files
ORDER BY received_at NULLS LAST, file_id NULLS LAST, recorded_at NULLS LAST, status NULLS LAST
