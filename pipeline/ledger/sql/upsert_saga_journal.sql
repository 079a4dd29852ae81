-- purpose: writes intentions before their effects, or how they ended; detail is added to what is there
-- grain: a row per element of the arrays
-- parameters: payment_id, at; steps, sequences, directions, positions, states, fences, attempts, details (arrays)
INSERT INTO saga_journal AS s (
    payment_id, step, sequence, direction, position, state, fence, attempts, detail, first_at, updated_at)
SELECT %(payment_id)s, n.step, n.sequence, n.direction, n.position, n.state, n.fence, n.attempts, n.detail::jsonb, %(at)s,
       %(at)s
FROM unnest(%(steps)s::text[], %(sequences)s::integer[], %(directions)s::text[], %(positions)s::integer[],
            %(states)s::text[], %(fences)s::integer[], %(attempts)s::integer[], %(details)s::text[])
    AS n (step, sequence, direction, position, state, fence, attempts, detail)
ON CONFLICT (payment_id, step, sequence, direction) DO UPDATE
SET state = excluded.state, fence = excluded.fence, attempts = excluded.attempts, detail = s.detail || excluded.detail,
    updated_at = excluded.updated_at
