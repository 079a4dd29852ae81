-- purpose: the trial balance of all that the control totals have counted
-- grain: a currency with its debits and credits
-- parameters:
SELECT side.key AS currency, (side.value ->> 0)::numeric AS debit_minor, (side.value ->> 1)::numeric AS credit_minor
FROM (SELECT trial FROM control_runs ORDER BY recorded_at DESC LIMIT 1) AS latest
CROSS JOIN LATERAL jsonb_each(latest.trial) AS side
ORDER BY side.key
