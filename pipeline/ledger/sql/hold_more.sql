-- purpose: takes what a merchant's open holds grow by from what may still be held (negative: gives it back)
-- grain: the balance, or none where too little is left or the merchant has no limit in this currency
-- parameters: account, currency, amount_minor, at
-- The last statement of its transaction: other payments of the merchant wait for this row.
UPDATE balances
SET available_minor = available_minor - %(amount_minor)s, version = version + 1, updated_at = %(at)s
WHERE account = %(account)s AND currency = %(currency)s AND available_minor >= %(amount_minor)s
