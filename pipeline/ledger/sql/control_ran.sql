-- purpose: says how far the control totals have come
-- grain: one row
-- parameters: recorded_at, covers_from, covers_until, seen_below, trial (JSON)
INSERT INTO control_runs (recorded_at, covers_from, covers_until, seen_below, trial)
VALUES (%(recorded_at)s, %(covers_from)s, %(covers_until)s, %(seen_below)s::text::xid8, %(trial)s::jsonb)
