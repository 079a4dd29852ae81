-- purpose: how far the relay is behind
-- grain: one row: how many rows wait, and since when the oldest does
-- parameters:
SELECT count(*) AS waiting, min(created_at) AS oldest FROM outbox
