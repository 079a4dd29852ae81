-- purpose: gives a merchant a limit in a currency, or another one; what is held stays held
-- grain: the balance, or none where more is held than the new limit
-- parameters: account, currency, limit_minor, at
INSERT INTO balances AS b (account, currency, limit_minor, available_minor, version, updated_at)
VALUES (%(account)s, %(currency)s, %(limit_minor)s, %(limit_minor)s, 1, %(at)s)
ON CONFLICT (account, currency) DO UPDATE
SET limit_minor = excluded.limit_minor, available_minor = b.available_minor + excluded.limit_minor - b.limit_minor,
    version = b.version + 1, updated_at = excluded.updated_at
WHERE b.available_minor + excluded.limit_minor - b.limit_minor >= 0
