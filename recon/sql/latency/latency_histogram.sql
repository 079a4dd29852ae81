-- purpose: how lengths are distributed over bins
-- grain: one measure, step, gateway and bin that holds something
-- inputs: latency_lengths, latency_bins
-- parameters: none
SELECT s.measure, s.step, s.gateway, b.bin, CAST(sum(CAST(s.spans AS DECIMAL(38, 0))) AS BIGINT) AS spans
FROM latency_lengths AS s
INNER JOIN latency_bins AS b ON s.us >= b.from_us AND s.us < b.until_us
WHERE s.gateway IS NOT NULL
GROUP BY s.measure, s.step, s.gateway, b.bin
ORDER BY s.measure, s.step, s.gateway, b.bin
