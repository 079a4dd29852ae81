-- purpose: movements and lines that answer each other beyond doubt by payment_ref: one of each, every key that both carry
--          agrees, same currency and amount
-- grain: one movement and one line
-- inputs: movements, lines, pairs_by_operation, pairs_by_gateway
-- parameters: none
WITH pairs AS (
    SELECT
        m.journal_id, m.gateway, m.gateway_account, m.payment_id, l.line_id,
        count(*) OVER (PARTITION BY m.journal_id) AS lines_of_movement,
        count(*) OVER (PARTITION BY l.line_id) AS movements_of_line
    FROM movements AS m
    INNER JOIN lines AS l
        ON
            m.gateway = l.gateway AND m.gateway_account = l.gateway_account AND m.kind = l.kind
            AND m.payment_ref = l.payment_ref AND m.currency = l.currency AND m.amount_minor = l.amount_minor
    WHERE
        NOT m.is_double
        AND (m.operation_ref IS NULL OR l.operation_ref IS NULL OR m.operation_ref = l.operation_ref)
        AND (m.gateway_ref IS NULL OR l.gateway_ref IS NULL OR m.gateway_ref = l.gateway_ref)
        AND (l.payment_ref IS NULL OR m.payment_ref = l.payment_ref)
        AND m.journal_id NOT IN (SELECT journal_id FROM pairs_by_operation)
        AND l.line_id NOT IN (SELECT line_id FROM pairs_by_operation)
        AND m.journal_id NOT IN (SELECT journal_id FROM pairs_by_gateway)
        AND l.line_id NOT IN (SELECT line_id FROM pairs_by_gateway)
)
SELECT journal_id, gateway, gateway_account, payment_id, line_id, 'payment_ref' AS rule
FROM pairs
WHERE lines_of_movement = 1 AND movements_of_line = 1
