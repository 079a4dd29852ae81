-- purpose: Stored balances beside those rebuilt from entries: what is held of a limit.
-- grain: one row per hold account and currency.
WITH rebuilt AS (
    SELECT account, currency, sum(CASE direction WHEN 'D' THEN amount_minor ELSE -amount_minor END) AS held_minor
    FROM ledger_entries
    WHERE starts_with(account, 'authorization_hold:')
    GROUP BY account, currency
)
SELECT coalesce(b.account, r.account) AS account, coalesce(b.currency, r.currency) AS currency,
       b.limit_minor - b.available_minor AS stored_minor, coalesce(r.held_minor, 0) AS rebuilt_minor
FROM balances AS b
FULL JOIN rebuilt AS r ON r.account = b.account AND r.currency = b.currency
ORDER BY account, currency;
