-- purpose: writes the payment as a change leaves it
-- grain: the payment, or none where version or fence have moved
-- parameters: payment_id, fence, before_version, the columns that a change may set, event_seq, last_change
UPDATE payments
SET status = %(status)s, version = %(version)s, gateway_ref = %(gateway_ref)s, execution = %(execution)s,
    lease_until = %(lease_until)s, authorized_minor = %(authorized_minor)s, captured_minor = %(captured_minor)s,
    refunded_minor = %(refunded_minor)s, hold_expires_at = %(hold_expires_at)s, fraud_decision = %(fraud_decision)s,
    fraud_score = %(fraud_score)s, fraud_model = %(fraud_model)s, cause = %(cause)s, event_seq = %(event_seq)s,
    last_change = %(last_change)s, updated_at = %(updated_at)s
WHERE payment_id = %(payment_id)s AND version = %(before_version)s AND fence = %(fence)s
