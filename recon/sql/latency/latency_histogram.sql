-- purpose: how lengths are distributed over bins
-- grain: one measure, step, gateway and bin that holds something
-- inputs: latency_spans, latency_bins
-- parameters: none
SELECT s.measure, s.step, s.gateway, b.bin, count(*) AS spans
FROM latency_spans AS s
INNER JOIN latency_bins AS b ON s.us >= b.from_us AND s.us < b.until_us
WHERE s.gateway IS NOT NULL
GROUP BY s.measure, s.step, s.gateway, b.bin
ORDER BY s.measure, s.step, s.gateway, b.bin
