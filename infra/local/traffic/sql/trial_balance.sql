-- purpose: Debits and credits of the whole ledger.
-- grain: one row per currency.
SELECT currency,
       coalesce(sum(amount_minor) FILTER (WHERE direction = 'D'), 0) AS debit_minor,
       coalesce(sum(amount_minor) FILTER (WHERE direction = 'C'), 0) AS credit_minor,
       count(*) AS entries
FROM ledger_entries
GROUP BY currency
ORDER BY currency;
