-- Reconciliation: what providers and banks say they paid, held against ours; and the files a bank was given to pay.

CREATE TABLE reconciliation (
    id           uuid PRIMARY KEY,
    provider     text NOT NULL,
    source       text NOT NULL CHECK (source IN ('list', 'file')),
    file_digest  bytea,
    covers_from  timestamptz NOT NULL,
    covers_to    timestamptz NOT NULL,
    state        text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    code         text,
    items        integer NOT NULL DEFAULT 0,
    matched      integer NOT NULL DEFAULT 0,
    found        integer NOT NULL DEFAULT 0,
    opened       integer NOT NULL DEFAULT 0,
    closed       integer NOT NULL DEFAULT 0,
    started_by   text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT rr_now(),
    seen_at      timestamptz NOT NULL DEFAULT rr_now(),
    ended_at     timestamptz,
    CONSTRAINT reconciliation_covers_time CHECK (covers_from < covers_to),
    CONSTRAINT reconciliation_ends CHECK ((state IN ('done', 'failed')) = (ended_at IS NOT NULL)),
    CONSTRAINT reconciliation_fails_for_a_reason CHECK ((state = 'failed') = (code IS NOT NULL))
);
CREATE UNIQUE INDEX reconciliation_one_at_a_time ON reconciliation (provider) WHERE state IN ('waiting', 'running');
CREATE INDEX reconciliation_newest ON reconciliation (provider, id);

-- What a run has been told so far; emptied when it ends. Logged: what is lost in a crash would look as if it had not been paid.
CREATE TABLE statement_item (
    run_id              uuid NOT NULL,
    item_id             text NOT NULL,
    provider_reference  text NOT NULL,
    reference           text NOT NULL,
    payout_id           uuid,
    attempt_no          integer,
    is_known            boolean NOT NULL DEFAULT false,
    amount              minor_amount,
    asset               text,
    told                text NOT NULL,
    fee                 minor_amount,
    status              text NOT NULL,
    provider_status     text NOT NULL,
    at                  timestamptz NOT NULL,
    PRIMARY KEY (run_id, item_id)
);
CREATE INDEX statement_item_of_attempt ON statement_item (run_id, payout_id, attempt_no) WHERE payout_id IS NOT NULL;
CREATE INDEX statement_item_by_reference ON statement_item (run_id, reference) WHERE payout_id IS NULL;

-- Attempts that some bank statement has shown: a statement covers a day, and money is booked on another one than it is sent.
CREATE TABLE statement_match (
    payout_id   uuid NOT NULL,
    attempt_no  integer NOT NULL,
    run_id      uuid NOT NULL,
    item_id     text NOT NULL,
    PRIMARY KEY (payout_id, attempt_no)
);

-- A task for people. `digest` covers what is different: what a person has closed stays closed until that changes.
CREATE TABLE finding (
    id                  uuid PRIMARY KEY,
    provider            text NOT NULL,
    kind                text NOT NULL CHECK (kind IN ('missing_there', 'missing_here', 'not_ours', 'paid_twice',
                            'amount_differs', 'fee_differs', 'state_differs')),
    subject             text NOT NULL,
    payout_id           uuid,
    attempt_no          integer,
    theirs              jsonb NOT NULL,
    ours                jsonb NOT NULL,
    digest              bytea NOT NULL,
    first_run           uuid NOT NULL,
    last_run            uuid NOT NULL,
    found_at            timestamptz NOT NULL DEFAULT rr_now(),
    seen_at             timestamptz NOT NULL DEFAULT rr_now(),
    closed_at           timestamptz,
    closed_by           text,
    reason              text,
    CONSTRAINT finding_closed_by_somebody CHECK (
        (closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (reason IS NULL))
);
CREATE UNIQUE INDEX finding_one_open ON finding (provider, kind, subject) WHERE closed_at IS NULL;
CREATE INDEX finding_by_subject ON finding (provider, kind, subject);
CREATE INDEX finding_open ON finding (id) WHERE closed_at IS NULL;

-- Attempts come in the order of time, so this costs next to nothing and finds those of a day.
CREATE INDEX attempt_by_time ON attempt USING brin (created_at);

-- Files for a bank. One attempt is in one file, unless a person says why it is in another.
CREATE TABLE bank_file (
    id          uuid PRIMARY KEY,
    provider    text NOT NULL,
    payouts     integer NOT NULL CHECK (payouts > 0),
    totals      jsonb NOT NULL,
    sha256      bytea NOT NULL,
    reason      text,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT rr_now()
);
CREATE TABLE bank_file_line (
    file_id     uuid NOT NULL REFERENCES bank_file,
    payout_id   uuid NOT NULL,
    attempt_no  integer NOT NULL,
    is_again    boolean NOT NULL,
    PRIMARY KEY (file_id, payout_id)
);
CREATE UNIQUE INDEX bank_file_line_once ON bank_file_line (payout_id, attempt_no) WHERE NOT is_again;
CREATE INDEX bank_file_line_of_attempt ON bank_file_line (payout_id, attempt_no);

GRANT SELECT, INSERT, UPDATE ON reconciliation, finding TO rewardrails_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON statement_item TO rewardrails_app;
GRANT SELECT, INSERT ON statement_match, bank_file, bank_file_line TO rewardrails_app;
