-- purpose: sagas that have not ended
-- grain: a status that such payments have: how many they are, and since when the oldest of their sagas runs
-- parameters:
-- A capture or cancellation began with its first step that is not done; a payment of its own with the payment.
SELECT p.status, count(*) AS sagas,
       min(CASE p.saga WHEN 'pay' THEN p.created_at ELSE coalesce(begun.first_at, p.updated_at) END) AS oldest
FROM payments AS p
LEFT JOIN LATERAL (
    SELECT min(s.first_at) AS first_at FROM saga_journal AS s
    WHERE p.saga <> 'pay' AND s.payment_id = p.payment_id
      AND (s.state IN ('intended', 'in_doubt') OR (s.direction = 'undo' AND s.state = 'failed'))) AS begun ON true
WHERE p.lease_until IS NOT NULL
GROUP BY p.status
