-- purpose: how far the relay is behind
-- grain: one row: how many rows wait, and the oldest of them
-- parameters:
-- By its id, which tells when it was written: created_at of a control total is the hour that it counts.
SELECT count(*) AS waiting, min(outbox_id) AS oldest FROM outbox
