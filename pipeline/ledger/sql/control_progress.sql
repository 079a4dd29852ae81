-- purpose: how far the ledger's control totals have come
-- grain: one row: the hour of the first journal (null: there is none), and what the last run left (null: none has run)
-- parameters:
SELECT first.hour_start AS first_hour, last.recorded_at, last.covers_from, last.covers_until,
       last.seen_below::text::bigint AS seen_below, last.trial
FROM (SELECT date_trunc('hour', min(event_at), 'UTC') AS hour_start FROM journals) AS first
LEFT JOIN LATERAL (SELECT * FROM control_runs ORDER BY recorded_at DESC LIMIT 1) AS last ON true
