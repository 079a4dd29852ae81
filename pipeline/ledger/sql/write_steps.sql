-- purpose: writes intentions before their effects, or how they ended; detail is added to what is there
-- grain: a row per step written; one that begins forward after its undo is left out
-- parameters: payment_id, at, steps (JSON array of step, sequence, direction, number, begins, state, fence, attempts, detail)
-- The payment's row is locked: nobody else writes its saga journal meanwhile.
INSERT INTO saga_journal AS s (
    payment_id, step, sequence, direction, position, state, fence, attempts, detail, first_at, updated_at)
SELECT %(payment_id)s, n.step, n.sequence, n.direction, before.written + n.number, n.state, n.fence, n.attempts, n.detail,
       %(at)s, %(at)s
FROM json_to_recordset(%(steps)s::json) AS n (
        step text, sequence integer, direction text, number integer, begins boolean, state text, fence integer,
        attempts integer, detail jsonb)
CROSS JOIN (SELECT count(*) AS written FROM saga_journal WHERE payment_id = %(payment_id)s) AS before
WHERE NOT (n.begins AND n.direction = 'forward' AND EXISTS (
    SELECT FROM saga_journal AS u
    WHERE u.payment_id = %(payment_id)s AND u.step = n.step AND u.sequence = n.sequence AND u.direction = 'undo'))
ON CONFLICT (payment_id, step, sequence, direction) DO UPDATE
SET state = excluded.state, fence = excluded.fence, attempts = excluded.attempts, detail = s.detail || excluded.detail,
    updated_at = excluded.updated_at
