-- purpose: what files say of batches and payouts
-- grain: one batch and currency as one file tells it
-- inputs: batches
-- parameters: known_at timestamp
SELECT
    gateway, gateway_account, batch_id, batch_seq, currency, file_id, report_type, role, closed_at, net_minor,
    payout_minor, carry_in_minor, carry_out_minor, carry_in_from, carry_out_to, payout_ref, payout_status, received_at
FROM batches
WHERE received_at < :known_at
ORDER BY
    gateway NULLS LAST, gateway_account NULLS LAST, batch_seq NULLS LAST, batch_id NULLS LAST, currency NULLS LAST,
    received_at NULLS LAST, file_id NULLS LAST
