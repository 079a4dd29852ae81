-- purpose: the payment as committed, locked until the end of the transaction
-- grain: the payment, or none
-- parameters: payment_id
-- Nothing else is read here: a row that was waited for is read anew, what is joined to it is not.
SELECT * FROM payments WHERE payment_id = %(payment_id)s FOR UPDATE
