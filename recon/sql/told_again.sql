-- purpose: lines that more than one file tells
-- grain: one native_id, whatever the account
-- inputs: reported
-- parameters: none
SELECT native_id
FROM reported
GROUP BY native_id
HAVING count(*) > 1
