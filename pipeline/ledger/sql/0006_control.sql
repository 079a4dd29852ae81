-- What the ledger says of itself to the lake: control totals per hour, in revisions, and how far they have come.

ALTER TABLE outbox ALTER COLUMN payment_id DROP NOT NULL;
ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_kind CHECK (
    kind IN ('ledger_entry', 'payment_state', 'payment_event', 'payment_outcome', 'ledger_control'));
ALTER TABLE outbox ADD CONSTRAINT outbox_of_payment_or_control CHECK ((payment_id IS NULL) = (kind = 'ledger_control'));

-- An hour is counted by when things happened; what has come since is found by the transaction that wrote it.
CREATE INDEX journals_happened ON journals (event_at);
CREATE INDEX journals_written ON journals (created_xid);

CREATE TABLE control_revisions (
    hour_start    timestamptz NOT NULL CHECK (hour_start = date_trunc('hour', hour_start, 'UTC')),
    currency      text NOT NULL,
    step          text NOT NULL,
    bucket        integer NOT NULL CHECK (bucket BETWEEN 0 AND 255),
    recorded_at   timestamptz NOT NULL,
    covers_until  timestamptz NOT NULL,
    entry_count   bigint NOT NULL CHECK (entry_count >= 0),
    debit_minor   bigint NOT NULL CHECK (debit_minor >= 0),
    credit_minor  bigint NOT NULL CHECK (credit_minor >= 0),
    digest        text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    PRIMARY KEY (hour_start, currency, step, bucket, recorded_at),
    CONSTRAINT control_revisions_of_the_hour CHECK (
        covers_until > hour_start AND covers_until <= hour_start + interval '1 hour')
);
COMMENT ON TABLE control_revisions IS 'what was said; the latest recorded_at holds per hour, currency, step and bucket';

CREATE TABLE control_runs (
    recorded_at   timestamptz PRIMARY KEY,
    covers_from   timestamptz NOT NULL,
    covers_until  timestamptz NOT NULL CHECK (covers_until >= covers_from),
    seen_below    xid8 NOT NULL,
    trial         jsonb NOT NULL
);
COMMENT ON TABLE control_runs IS
    'the latest says: what transactions below seen_below wrote to hours in [covers_from, covers_until) has been said';
COMMENT ON COLUMN control_runs.trial IS 'currency: [debits, credits] of all that has been said';

GRANT SELECT, INSERT ON control_revisions, control_runs TO payments_app;
