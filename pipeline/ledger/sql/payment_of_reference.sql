-- purpose: the payment that a gateway knows by its own reference
-- grain: the payment, or none
-- parameters: gateway, gateway_ref
SELECT * FROM payments WHERE gateway = %(gateway)s AND gateway_ref = %(gateway_ref)s
