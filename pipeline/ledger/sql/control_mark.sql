-- purpose: a number above that of every transaction that has begun to write
-- grain: one row
-- parameters:
-- A transaction of its own: a snapshot alone does not show those that are open above the last one that has ended.
SELECT pg_current_xact_id()::text::bigint AS mark
