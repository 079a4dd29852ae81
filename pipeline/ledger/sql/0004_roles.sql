-- What the services may do. The role's limits are its own settings, because a SET pins a session of RDS Proxy.

DO $$
BEGIN
    CREATE ROLE payments_app LOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- roles belong to the server: another database of it has made this one
END $$;

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO payments_app', current_database());
    EXECUTE format('ALTER ROLE payments_app IN DATABASE %I SET statement_timeout = ''5s''', current_database());
    EXECUTE format('ALTER ROLE payments_app IN DATABASE %I SET lock_timeout = ''3s''', current_database());
    EXECUTE format('ALTER ROLE payments_app IN DATABASE %I SET idle_in_transaction_session_timeout = ''5s''',
                   current_database());
    EXECUTE format('ALTER ROLE payments_app IN DATABASE %I SET timezone = ''UTC''', current_database());
END $$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO payments_app;

GRANT SELECT, INSERT ON payments TO payments_app;
GRANT UPDATE (status, version, fence, gateway_ref, saga, saga_hash, saga_sequence, execution, lease_until,
              authorized_minor, captured_minor, refunded_minor, hold_expires_at, fraud_decision, fraud_score, fraud_model,
              cause, event_seq, last_change, updated_at) ON payments TO payments_app;

GRANT SELECT ON journals, ledger_entries, status_transitions TO payments_app;
GRANT INSERT (journal_id, payment_id, batch_ref, merchant_id, step, sequence, entry_count, payment_version, gateway_ref,
              operation_ref, hold_expires_at, trace_id, event_at, recorded_at) ON journals TO payments_app;
GRANT INSERT (entry_id, journal_id, line_no, entry_count, account, direction, amount_minor, currency)
    ON ledger_entries TO payments_app;

GRANT SELECT, INSERT ON operations TO payments_app;
GRANT UPDATE (amount_minor, status, operation_ref, error_code, first_sent_at, updated_at) ON operations TO payments_app;
GRANT SELECT, INSERT ON balances TO payments_app;
GRANT UPDATE (limit_minor, available_minor, version, updated_at) ON balances TO payments_app;
GRANT SELECT, INSERT ON saga_journal TO payments_app;
GRANT UPDATE (state, fence, attempts, detail, updated_at) ON saga_journal TO payments_app;
GRANT SELECT, INSERT, DELETE ON outbox TO payments_app;
GRANT UPDATE (taken_until) ON outbox TO payments_app;
GRANT SELECT, INSERT ON gateway_events TO payments_app;
