-- purpose: hours whose ledger entries are counted, and how far
-- grain: one hour
-- inputs: ledger_control
-- parameters: hours_from timestamp, hours_until timestamp
SELECT hour_start, max(covers_until) AS covers_until
FROM ledger_control
WHERE hour_start >= :hours_from AND hour_start < :hours_until
GROUP BY hour_start
ORDER BY hour_start NULLS LAST
