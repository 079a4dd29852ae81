-- The ledger's tables. Ids are given by the caller (63-bit payment ids, ULIDs), times too: the database mints neither.
-- No table is shared by merchants in a way that a payment would lock: accounts are names, not rows.

CREATE TABLE payments (
    payment_id        bigint PRIMARY KEY CHECK (payment_id > 0),
    merchant_id       text NOT NULL,
    amount_minor      bigint NOT NULL CHECK (amount_minor > 0),
    currency          text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    status            text NOT NULL,
    version           integer NOT NULL,
    fence             integer NOT NULL,
    gateway           text NOT NULL,
    gateway_account   text NOT NULL,
    gateway_ref       text,
    capture_mode      text NOT NULL CHECK (capture_mode IN ('automatic', 'manual')),
    method_token      text NOT NULL,
    idempotency_hash  text NOT NULL,
    trace_id          text NOT NULL,
    reference         text,
    metadata          jsonb NOT NULL,
    saga              text NOT NULL CHECK (saga IN ('pay', 'capture', 'cancel')),
    saga_hash         text NOT NULL,
    saga_sequence     integer NOT NULL CHECK (saga_sequence > 0),
    execution         text,
    lease_until       timestamptz,
    authorized_minor  bigint CHECK (authorized_minor > 0),
    captured_minor    bigint NOT NULL CHECK (captured_minor >= 0),
    refunded_minor    bigint NOT NULL CHECK (refunded_minor >= 0),
    hold_expires_at   timestamptz,
    fraud_decision    text CHECK (fraud_decision IN ('approve', 'review', 'reject')),
    fraud_score       integer CHECK (fraud_score BETWEEN 0 AND 1000),
    fraud_model       text,
    cause             text,
    event_seq         integer NOT NULL CHECK (event_seq >= 0),
    last_change       text NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT payments_merchant_hash UNIQUE (merchant_id, idempotency_hash),
    CONSTRAINT payments_lease CHECK ((execution IS NULL) = (lease_until IS NULL))
);
COMMENT ON COLUMN payments.event_seq IS 'seq of the last audit event';
COMMENT ON COLUMN payments.last_change IS 'token of the last writer: tells whether a commit whose answer was lost took place';
CREATE INDEX payments_leased ON payments (lease_until, payment_id) WHERE lease_until IS NOT NULL;
CREATE INDEX payments_resting ON payments (hold_expires_at, payment_id)
    WHERE status = 'AUTHORIZED' AND lease_until IS NULL;

CREATE TABLE operations (
    payment_id     bigint NOT NULL REFERENCES payments,
    kind           text NOT NULL,
    sequence       integer NOT NULL CHECK (sequence > 0),
    amount_minor   bigint NOT NULL CHECK (amount_minor > 0),
    status         text NOT NULL CHECK (status IN ('pending', 'succeeded', 'declined', 'failed', 'in_doubt')),
    gateway_key    text NOT NULL,
    operation_ref  text,
    error_code     text,
    first_sent_at  timestamptz,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (payment_id, kind, sequence)
);

-- created_xid is the transaction that wrote the row: nobody may give it, so that entries reach their journal only from
-- the transaction that made the journal. entry_count and line numbers leave no room for one more.
CREATE TABLE journals (
    journal_id       text PRIMARY KEY CHECK (journal_id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
    payment_id       bigint REFERENCES payments,
    batch_ref        text,
    merchant_id      text,
    step             text NOT NULL,
    sequence         integer NOT NULL CHECK (sequence > 0),
    entry_count      integer NOT NULL CHECK (entry_count > 1),
    payment_version  integer,
    gateway_ref      text,
    operation_ref    text,
    hold_expires_at  timestamptz,
    trace_id         text,
    event_at         timestamptz NOT NULL,
    recorded_at      timestamptz NOT NULL,
    created_xid      xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT journals_of_payment_or_batch CHECK (num_nonnulls(payment_id, batch_ref) = 1),
    CONSTRAINT journals_payment_step UNIQUE (payment_id, step, sequence),
    CONSTRAINT journals_batch_step UNIQUE (batch_ref, step, sequence),
    CONSTRAINT journals_sealed UNIQUE (journal_id, entry_count, created_xid)
);

CREATE TABLE ledger_entries (
    entry_id      text PRIMARY KEY CHECK (entry_id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
    journal_id    text NOT NULL,
    line_no       integer NOT NULL,
    entry_count   integer NOT NULL,
    account       text NOT NULL CHECK (account ~ '^[a-z_]+(:.+)?$'),
    direction     text NOT NULL CHECK (direction IN ('D', 'C')),
    amount_minor  bigint NOT NULL CHECK (amount_minor > 0),
    currency      text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_xid   xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT ledger_entries_line UNIQUE (journal_id, line_no),
    CONSTRAINT ledger_entries_within CHECK (line_no BETWEEN 1 AND entry_count),
    CONSTRAINT ledger_entries_journal FOREIGN KEY (journal_id, entry_count, created_xid)
        REFERENCES journals (journal_id, entry_count, created_xid)
);

-- What a merchant may still have held: limit less open holds, that is less the balance of the account.
CREATE TABLE balances (
    account          text NOT NULL,
    currency         text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    limit_minor      bigint NOT NULL CHECK (limit_minor >= 0),
    available_minor  bigint NOT NULL,
    version          integer NOT NULL,
    updated_at       timestamptz NOT NULL,
    PRIMARY KEY (account, currency),
    CONSTRAINT balances_available CHECK (available_minor BETWEEN 0 AND limit_minor)
) WITH (fillfactor = 50);

CREATE TABLE saga_journal (
    payment_id  bigint NOT NULL REFERENCES payments,
    step        text NOT NULL,
    sequence    integer NOT NULL CHECK (sequence > 0),
    direction   text NOT NULL CHECK (direction IN ('forward', 'undo')),
    position    integer NOT NULL,
    state       text NOT NULL CHECK (state IN ('intended', 'done', 'failed', 'in_doubt')),
    fence       integer NOT NULL,
    attempts    integer NOT NULL CHECK (attempts > 0),
    detail      jsonb NOT NULL,
    first_at    timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (payment_id, step, sequence, direction)
);

CREATE TABLE outbox (
    outbox_id    text PRIMARY KEY CHECK (outbox_id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
    payment_id   bigint NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('ledger_entry', 'payment_state', 'payment_event', 'payment_outcome')),
    body         text NOT NULL,
    created_at   timestamptz NOT NULL,
    taken_until  timestamptz
);
CREATE INDEX outbox_of_payment ON outbox (payment_id);

CREATE TABLE gateway_events (
    gateway      text NOT NULL,
    event_id     text NOT NULL,
    payment_id   bigint,
    kind         text NOT NULL,
    received_at  timestamptz NOT NULL,
    PRIMARY KEY (gateway, event_id)
);
