-- purpose: payments that moved or were reported more than once, that a line names which several files tell, or that
--          share an entry or a journal with another payment: nothing is said of them without looking at all there is
-- grain: one reason for one payment
-- inputs: clearing, reported, told_again
-- parameters: none
SELECT CAST(payment_id AS VARCHAR) AS payment_ref FROM clearing GROUP BY payment_id HAVING count(*) > 1
UNION ALL
SELECT payment_ref FROM reported WHERE payment_ref IS NOT NULL GROUP BY payment_ref HAVING count(*) > 1
UNION ALL
SELECT r.payment_ref
FROM reported AS r
INNER JOIN told_again AS t ON r.native_id = t.native_id
WHERE r.payment_ref IS NOT NULL
UNION ALL
SELECT c.payment_ref
FROM clearing AS c
INNER JOIN (
    SELECT entry_id FROM clearing GROUP BY entry_id HAVING count(*) > 1
) AS e ON c.entry_id = e.entry_id
UNION ALL
SELECT c.payment_ref
FROM clearing AS c
INNER JOIN (
    SELECT journal_id FROM clearing GROUP BY journal_id HAVING count(*) > 1
) AS j ON c.journal_id = j.journal_id
