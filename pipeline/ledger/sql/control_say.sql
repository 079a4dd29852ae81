-- purpose: says revisions of control totals, and leaves them for the lake
-- grain: a row of the outbox
-- parameters: recorded_at, revisions (JSON array of rows)
WITH revisions AS (
    SELECT * FROM json_to_recordset(%(revisions)s::json) AS r (
        hour_start timestamptz, covers_until timestamptz, currency text, step text, bucket integer, entry_count bigint,
        debit_minor bigint, credit_minor bigint, digest text, outbox_id text, body text)),
said AS (
    INSERT INTO control_revisions (
        hour_start, covers_until, currency, step, bucket, entry_count, debit_minor, credit_minor, digest, recorded_at)
    SELECT hour_start, covers_until, currency, step, bucket, entry_count, debit_minor, credit_minor, digest,
           %(recorded_at)s
    FROM revisions)
INSERT INTO outbox (outbox_id, payment_id, kind, body, created_at)
SELECT outbox_id, NULL, 'ledger_control', body, hour_start FROM revisions
