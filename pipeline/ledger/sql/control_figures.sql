-- purpose: counts one hour of the ledger, and compares with what was said of it
-- grain: a currency, step and bucket that has entries, of those buckets that lie in the slice
-- parameters: hour_start, covers_until, slices, slice
WITH counted AS (
    SELECT e.currency, j.step, mod(coalesce(j.payment_id, 0), 256)::integer AS bucket, count(*) AS entry_count,
           coalesce(sum(e.amount_minor) FILTER (WHERE e.direction = 'D'), 0)::bigint AS debit_minor,
           coalesce(sum(e.amount_minor) FILTER (WHERE e.direction = 'C'), 0)::bigint AS credit_minor,
           encode(sha256(convert_to(string_agg(e.entry_id, chr(10) ORDER BY e.entry_id COLLATE "C"), 'UTF8')), 'hex')
               AS digest
    FROM journals AS j
    JOIN ledger_entries AS e ON e.journal_id = j.journal_id
    WHERE j.event_at >= %(hour_start)s AND j.event_at < %(covers_until)s
      AND mod(mod(coalesce(j.payment_id, 0), 256), %(slices)s) = %(slice)s
    GROUP BY 1, 2, 3),
said AS (
    SELECT DISTINCT ON (currency, step, bucket) currency, step, bucket, entry_count, debit_minor, credit_minor, digest
    FROM control_revisions
    WHERE hour_start = %(hour_start)s
    ORDER BY currency, step, bucket, recorded_at DESC)
SELECT c.currency, c.step, c.bucket, c.entry_count, c.debit_minor, c.credit_minor, c.digest,
       coalesce(s.debit_minor, 0) AS said_debit_minor, coalesce(s.credit_minor, 0) AS said_credit_minor,
       (c.entry_count, c.debit_minor, c.credit_minor, c.digest)
           IS NOT DISTINCT FROM (s.entry_count, s.debit_minor, s.credit_minor, s.digest) AS is_said
FROM counted AS c
LEFT JOIN said AS s USING (currency, step, bucket)
ORDER BY c.currency, c.step, c.bucket
