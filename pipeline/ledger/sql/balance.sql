-- purpose: what an account may still have held
-- grain: the balance, or none
-- parameters: account, currency
SELECT account, currency, limit_minor, available_minor FROM balances
WHERE account = %(account)s AND currency = %(currency)s
