-- purpose: what the lake holds of the ledger's entries against the gateways, as it was delivered
-- grain: one delivery of one entry
-- inputs: ledger_entries
-- parameters: search_from timestamp, as_of timestamp
SELECT
    entry_id, journal_id, payment_id, step, sequence, direction, amount_minor, currency, gateway, gateway_account,
    gateway_ref, operation_ref, trace_id, event_at, recorded_at, source_path,
    CAST(payment_id AS VARCHAR) AS payment_ref
FROM ledger_entries
WHERE
    event_at >= :search_from AND event_at < :as_of
    AND account LIKE 'gateway_clearing:%'
    AND step IN (
        'CAPTURE', 'CAPTURE_REVERSAL', 'REFUND', 'REFUND_REVERSAL', 'CHARGEBACK', 'CHARGEBACK_REVERSAL'
    )
    AND payment_id IS NOT NULL
