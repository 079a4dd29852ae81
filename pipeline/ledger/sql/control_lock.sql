-- purpose: lets one writer of control totals at a time go on; the others wait until its transaction ends
-- grain: one row without meaning
-- parameters: key
SELECT pg_advisory_xact_lock(%(key)s)
