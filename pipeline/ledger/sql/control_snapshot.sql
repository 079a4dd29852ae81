-- purpose: which transactions have certainly ended
-- grain: one row: all below lowest_open have
-- parameters:
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS lowest_open
