-- purpose: writes the payment as a change leaves it, with its journals, operations and what the outbox is told of it
-- grain: one row: whether the payment was still as it was read, and how many operations were written
-- parameters: payment_id, fence, before_version, the columns that a change may set, event_seq, last_change, merchant_id, trace_id, at, recorded_at; journals, entries, operations, outgoing (JSON arrays of rows)
-- An operation that is there under another key of the gateway is left out: keys never change.
WITH moved AS (
    UPDATE payments
    SET status = %(status)s, version = %(version)s, gateway_ref = %(gateway_ref)s, execution = %(execution)s,
        lease_until = %(lease_until)s, authorized_minor = %(authorized_minor)s, captured_minor = %(captured_minor)s,
        refunded_minor = %(refunded_minor)s, hold_expires_at = %(hold_expires_at)s,
        fraud_decision = %(fraud_decision)s, fraud_score = %(fraud_score)s, fraud_model = %(fraud_model)s,
        cause = %(cause)s, event_seq = %(event_seq)s, last_change = %(last_change)s, updated_at = %(at)s
    WHERE payment_id = %(payment_id)s AND version = %(before_version)s AND fence = %(fence)s
    RETURNING payment_id),
journalled AS (
    INSERT INTO journals (
        journal_id, payment_id, merchant_id, step, sequence, entry_count, payment_version, gateway_ref, operation_ref,
        hold_expires_at, trace_id, event_at, recorded_at)
    SELECT j.journal_id, %(payment_id)s, %(merchant_id)s, j.step, j.sequence, j.entry_count, %(version)s,
           %(gateway_ref)s, j.operation_ref, %(hold_expires_at)s, %(trace_id)s, %(at)s, %(recorded_at)s
    FROM json_to_recordset(%(journals)s::json) AS j (
        journal_id text, step text, sequence integer, entry_count integer, operation_ref text)),
entered AS (
    INSERT INTO ledger_entries (entry_id, journal_id, line_no, entry_count, account, direction, amount_minor, currency)
    SELECT e.*
    FROM json_to_recordset(%(entries)s::json) AS e (
        entry_id text, journal_id text, line_no integer, entry_count integer, account text, direction text,
        amount_minor bigint, currency text)),
asked AS (
    INSERT INTO operations AS o (
        payment_id, kind, sequence, amount_minor, status, gateway_key, operation_ref, error_code, first_sent_at,
        updated_at)
    SELECT %(payment_id)s, n.kind, n.sequence, n.amount_minor, n.status, n.gateway_key, n.operation_ref, n.error_code,
           n.first_sent_at, %(at)s
    FROM json_to_recordset(%(operations)s::json) AS n (
        kind text, sequence integer, amount_minor bigint, status text, gateway_key text, operation_ref text,
        error_code text, first_sent_at timestamptz)
    ON CONFLICT (payment_id, kind, sequence) DO UPDATE
    SET amount_minor = excluded.amount_minor, status = excluded.status,
        operation_ref = coalesce(excluded.operation_ref, o.operation_ref), error_code = excluded.error_code,
        first_sent_at = coalesce(o.first_sent_at, excluded.first_sent_at), updated_at = excluded.updated_at
    WHERE o.gateway_key = excluded.gateway_key
    RETURNING o.kind),
told AS (
    INSERT INTO outbox (outbox_id, payment_id, kind, body, created_at)
    SELECT r.outbox_id, %(payment_id)s, r.kind, r.body, %(at)s
    FROM json_to_recordset(%(outgoing)s::json) AS r (outbox_id text, kind text, body text))
SELECT (SELECT count(*) FROM moved) AS moved, (SELECT count(*) FROM asked) AS asked
