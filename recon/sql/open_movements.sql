-- purpose: movements to be decided one by one: of touched payments, twice posted, missing, or possible answers to a
--          line without keys; movements that simply wait for their file are counted elsewhere
-- grain: one movement
-- inputs: loose_movements, loose_lines
-- parameters: none
SELECT
    m.journal_id, m.currency, m.payment_id, m.step, m.sequence, m.gateway, m.gateway_account, m.gateway_ref,
    m.operation_ref, m.trace_id, m.event_at, m.source_path, m.amount_minor, m.kind, m.in_cohort, m.is_double,
    m.due_at, m.is_decidable
FROM loose_movements AS m
WHERE
    m.is_touched
    OR (m.in_cohort AND (m.is_double OR m.is_decidable))
    OR (
        m.is_decidable
        AND EXISTS (
            SELECT 1
            FROM loose_lines AS l
            WHERE
                l.gateway = m.gateway AND l.gateway_account = m.gateway_account AND l.kind = m.kind
                AND l.currency = m.currency AND l.amount_minor = m.amount_minor
        )
    )
