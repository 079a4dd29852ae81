-- purpose: every pair that is beyond doubt, whatever key made it
-- grain: one movement and one line
-- inputs: pairs_by_operation, pairs_by_gateway, pairs_by_payment
-- parameters: none
SELECT journal_id, gateway, gateway_account, payment_id, line_id, rule FROM pairs_by_operation
UNION ALL
SELECT journal_id, gateway, gateway_account, payment_id, line_id, rule FROM pairs_by_gateway
UNION ALL
SELECT journal_id, gateway, gateway_account, payment_id, line_id, rule FROM pairs_by_payment
