-- purpose: lines that more than one file tells
-- grain: one gateway, account and native_id
-- inputs: reported
-- parameters: none
SELECT gateway, gateway_account, native_id
FROM reported
GROUP BY gateway, gateway_account, native_id
HAVING count(*) > 1
