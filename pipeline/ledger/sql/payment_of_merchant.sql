-- purpose: the payment, if it is this merchant's
-- grain: the payment, or none
-- parameters: payment_id, merchant_id
SELECT * FROM payments WHERE payment_id = %(payment_id)s AND merchant_id = %(merchant_id)s
