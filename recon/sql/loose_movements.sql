-- purpose: movements that no line answers beyond doubt, with whether their line is due and its file here and complete
-- grain: one movement
-- inputs: movements, matched, touched, due_calendar, coverage
-- parameters: as_of timestamp
SELECT
    m.journal_id, m.currency, m.payment_id, m.step, m.sequence, m.gateway, m.gateway_account, m.gateway_ref,
    m.operation_ref, m.trace_id, m.event_at, m.source_path, m.amount_minor, m.kind, m.in_cohort, m.is_double,
    t.payment_id IS NOT NULL AS is_touched,
    d.due_at,
    d.due_at IS NOT NULL AND d.due_at <= :as_of AND c.from_at IS NOT NULL AS is_decidable
FROM movements AS m
LEFT JOIN touched AS t
    ON m.gateway = t.gateway AND m.gateway_account = t.gateway_account AND m.payment_id = t.payment_id
LEFT JOIN due_calendar AS d
    ON
        m.gateway = d.gateway AND m.gateway_account = d.gateway_account
        AND m.event_at >= d.from_at AND m.event_at < d.until_at
LEFT JOIN coverage AS c
    ON
        m.gateway = c.gateway AND m.gateway_account = c.gateway_account
        AND m.event_at >= c.from_at AND m.event_at < c.until_at
WHERE t.payment_id IS NOT NULL OR m.journal_id NOT IN (SELECT journal_id FROM matched)
