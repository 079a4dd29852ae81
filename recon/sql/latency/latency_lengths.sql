-- purpose: how often each length occurs: far fewer rows than spans, and as much as percentiles need
-- grain: one measure, step, gateway, hour and length
-- inputs: latency_spans
-- parameters: none
SELECT measure, step, gateway, hour_at, us, count(*) AS spans
FROM latency_spans
GROUP BY measure, step, gateway, hour_at, us
