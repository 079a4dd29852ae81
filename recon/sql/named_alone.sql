-- purpose: payments answered alone that another line names by any reference, so that they are not settled without it
-- grain: one payment
-- inputs: answered_alone, other_lines
-- parameters: none
SELECT a.payment_id, a.payment_ref, a.operation_ref, a.gateway_ref
FROM answered_alone AS a
INNER JOIN other_lines AS o ON a.operation_ref = o.operation_ref
UNION
SELECT a.payment_id, a.payment_ref, a.operation_ref, a.gateway_ref
FROM answered_alone AS a
INNER JOIN other_lines AS o ON a.operation_ref = o.charge_ref
UNION
SELECT a.payment_id, a.payment_ref, a.operation_ref, a.gateway_ref
FROM answered_alone AS a
INNER JOIN other_lines AS o ON a.gateway_ref = o.gateway_ref
