-- purpose: payments that some loose line names by any key: all of their movements and lines are decided together
-- grain: one gateway, account and payment
-- inputs: movements, loose_lines
-- parameters: none
SELECT m.gateway, m.gateway_account, m.payment_id
FROM movements AS m
INNER JOIN loose_lines AS l
    ON m.gateway = l.gateway AND m.gateway_account = l.gateway_account AND m.operation_ref = l.operation_ref
UNION
SELECT m.gateway, m.gateway_account, m.payment_id
FROM movements AS m
INNER JOIN loose_lines AS l
    ON m.gateway = l.gateway AND m.gateway_account = l.gateway_account AND m.operation_ref = l.charge_ref
UNION
SELECT m.gateway, m.gateway_account, m.payment_id
FROM movements AS m
INNER JOIN loose_lines AS l
    ON m.gateway = l.gateway AND m.gateway_account = l.gateway_account AND m.gateway_ref = l.gateway_ref
UNION
SELECT m.gateway, m.gateway_account, m.payment_id
FROM movements AS m
INNER JOIN loose_lines AS l
    ON m.gateway = l.gateway AND m.gateway_account = l.gateway_account AND m.payment_ref = l.payment_ref
