-- purpose: the payment as committed
-- grain: the payment, or none
-- parameters: payment_id
SELECT * FROM payments WHERE payment_id = %(payment_id)s
