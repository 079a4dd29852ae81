-- purpose: the payments that another line names, and those that share a reference with one of them
-- grain: one payment
-- inputs: answered_alone, named_alone
-- parameters: none
SELECT payment_id, payment_ref, operation_ref, gateway_ref FROM named_alone
UNION
SELECT a.payment_id, a.payment_ref, a.operation_ref, a.gateway_ref
FROM answered_alone AS a
INNER JOIN named_alone AS n ON a.operation_ref = n.operation_ref
UNION
SELECT a.payment_id, a.payment_ref, a.operation_ref, a.gateway_ref
FROM answered_alone AS a
INNER JOIN named_alone AS n ON a.gateway_ref = n.gateway_ref
