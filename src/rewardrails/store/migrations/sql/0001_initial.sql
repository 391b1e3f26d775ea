-- The whole state of RewardRails. Read top to bottom: time, words, pools and ledger, payouts and their attempts, what was
-- observed, events, batches, people, providers.

-- Identity: which master key seals what is stored here; a process with another one does not start.
CREATE TABLE instance (
    singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    key_id     text NOT NULL
);

-- Time ---------------------------------------------------------------------------------------------------------------
-- Every lease, schedule and stamp reads this function. A test or simulation may replace it as the owner; the engine's own
-- role cannot.
CREATE FUNCTION rr_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT statement_timestamp()';

-- Words --------------------------------------------------------------------------------------------------------------
CREATE DOMAIN minor_amount AS numeric(38, 0);

-- Sources of funds are accounts too. There is no `entry_fee`, so players' entry fees cannot fund a pool.
CREATE DOMAIN account_name AS text CHECK (VALUE IN (
    'available', 'reserved', 'paid', 'fees', 'suspense',
    'sponsor', 'treasury', 'grant', 'ads', 'affiliate', 'manual_test', 'other'));

CREATE DOMAIN payout_state AS text CHECK (VALUE IN (
    'held', 'awaiting_approval', 'ready', 'submitting', 'pending', 'outcome_unknown',
    'paid', 'failed', 'canceled', 'returned'));

CREATE DOMAIN attempt_state AS text CHECK (VALUE IN (
    'sending', 'accepted', 'unknown', 'settled', 'refused', 'failed', 'canceled', 'returned', 'absent'));

-- Pools and the ledger -----------------------------------------------------------------------------------------------
CREATE TABLE pool (
    id          uuid PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    asset       text NOT NULL,
    exponent    smallint NOT NULL CHECK (exponent BETWEEN 0 AND 30),
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT rr_now()
);

-- A source's balance is minus what it gave; suspense may go below zero and is then alarmed; nothing else may.
CREATE TABLE account (
    pool_id  uuid NOT NULL REFERENCES pool,
    name     account_name NOT NULL,
    balance  minor_amount NOT NULL DEFAULT 0,
    PRIMARY KEY (pool_id, name),
    CONSTRAINT account_within_bounds CHECK (CASE
        WHEN name = 'suspense' THEN true
        WHEN name IN ('available', 'reserved', 'paid', 'fees') THEN balance >= 0
        ELSE balance <= 0 END)
) WITH (fillfactor = 50);

-- One asset and one pool by construction: a transfer names two accounts of the same pool. It is never changed.
CREATE TABLE transfer (
    id              uuid PRIMARY KEY,
    pool_id         uuid NOT NULL,
    kind            text NOT NULL,
    debit           account_name NOT NULL,
    credit          account_name NOT NULL,
    amount          minor_amount NOT NULL CHECK (amount > 0),
    payout_id       uuid,
    payout_version  integer,
    reference       text,
    actor           text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT rr_now(),
    CONSTRAINT transfer_moves_as_its_kind_says CHECK (CASE kind
        WHEN 'fund'     THEN debit IN ('sponsor', 'treasury', 'grant', 'ads', 'affiliate', 'manual_test', 'other')
                             AND credit = 'available'
        WHEN 'withdraw' THEN debit = 'available'
                             AND credit IN ('sponsor', 'treasury', 'grant', 'ads', 'affiliate', 'manual_test', 'other')
        WHEN 'reserve'      THEN debit = 'available' AND credit = 'reserved'
        WHEN 'release'      THEN debit = 'reserved'  AND credit = 'available'
        WHEN 'settle'       THEN debit = 'reserved'  AND credit = 'paid'
        WHEN 'fee'          THEN debit = 'reserved'  AND credit = 'fees'
        WHEN 'return'       THEN debit = 'paid'      AND credit = 'available'
        WHEN 'late_settle'  THEN debit = 'suspense'  AND credit = 'paid'
        WHEN 'late_fee'     THEN debit = 'suspense'  AND credit = 'fees'
        WHEN 'cover'        THEN debit = 'available' AND credit = 'suspense'
        ELSE false END),
    CONSTRAINT transfer_of_a_payout_names_it CHECK (
        (payout_id IS NULL) = (kind IN ('fund', 'withdraw', 'cover')) AND (payout_id IS NULL) = (payout_version IS NULL)),
    CONSTRAINT transfer_posted_once UNIQUE (payout_id, payout_version, kind)
);
CREATE INDEX transfer_by_pool ON transfer (pool_id, id) WHERE payout_id IS NULL;

CREATE FUNCTION transfer_moves_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    wanted integer;
    moved  integer;
BEGIN
    PERFORM 1 FROM account
        WHERE (pool_id, name::text) IN (
            SELECT pool_id, debit::text FROM posted UNION SELECT pool_id, credit::text FROM posted)
        ORDER BY pool_id, name FOR NO KEY UPDATE;
    WITH change AS (
        SELECT pool_id, name, sum(amount) AS amount FROM (
            SELECT pool_id, debit::text AS name, -amount AS amount FROM posted
            UNION ALL SELECT pool_id, credit::text, amount FROM posted) AS both_sides
        GROUP BY pool_id, name
    ), written AS (
        UPDATE account SET balance = account.balance + change.amount
        FROM change WHERE account.pool_id = change.pool_id AND account.name = change.name
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM change), (SELECT count(*) FROM written) INTO wanted, moved;
    IF wanted <> moved THEN
        RAISE EXCEPTION 'a transfer names a pool that does not exist' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transfer_moves_balances AFTER INSERT ON transfer
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION transfer_moves_balances();

CREATE FUNCTION history_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never changed or removed; post a new row instead', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER transfer_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON transfer
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_immutable();

CREATE FUNCTION pool_opens_accounts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO account (pool_id, name)
    SELECT NEW.id, name FROM unnest(ARRAY['available', 'reserved', 'paid', 'fees', 'suspense',
        'sponsor', 'treasury', 'grant', 'ads', 'affiliate', 'manual_test', 'other']) AS name;
    RETURN NULL;
END $$;
CREATE TRIGGER pool_opens_accounts AFTER INSERT ON pool FOR EACH ROW EXECUTE FUNCTION pool_opens_accounts();

-- The engine may not write balances, so it cannot lock them either; this locks them for it, in the one order.
CREATE FUNCTION lock_available(pools uuid[]) RETURNS TABLE (pool_id uuid, balance numeric) LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT account.pool_id, account.balance FROM account
    WHERE account.pool_id = ANY (pools) AND account.name = 'available'
    ORDER BY account.pool_id FOR NO KEY UPDATE
$$;

-- Payouts ------------------------------------------------------------------------------------------------------------
-- One reward, one payout, whichever door it came through. Destination and memo are ciphertext; the digest is keyed.
CREATE TABLE payout (
    id                      uuid PRIMARY KEY,
    campaign                text NOT NULL,
    reward_id               text NOT NULL,
    player_id               text NOT NULL,
    pool_id                 uuid NOT NULL,
    asset                   text NOT NULL,
    amount                  minor_amount NOT NULL CHECK (amount > 0),
    fee_ceiling             minor_amount NOT NULL CHECK (fee_ceiling >= 0),
    reserved                minor_amount NOT NULL,
    fee                     minor_amount,
    jurisdiction            text NOT NULL,
    destination_kind        text NOT NULL,
    destination_ciphertext  bytea NOT NULL,
    destination_key_id      text NOT NULL,
    destination_digest      bytea NOT NULL,
    content_digest          bytea NOT NULL,
    provider                text,
    state                   payout_state NOT NULL,
    version                 integer NOT NULL,
    tries                   integer NOT NULL DEFAULT 0,
    last_attempt_no         integer NOT NULL DEFAULT 0,
    due_at                  timestamptz NOT NULL,
    code                    text,
    hold_cause              text,
    batch_id                uuid,
    quote_id                uuid,
    quote_expires_at        timestamptz,
    created_by              text NOT NULL,
    created_at              timestamptz NOT NULL DEFAULT rr_now(),
    updated_at              timestamptz NOT NULL DEFAULT rr_now(),
    CONSTRAINT payout_once_per_reward UNIQUE (campaign, reward_id),
    CONSTRAINT payout_reserves_until_it_ends CHECK (reserved = CASE
        WHEN state IN ('paid', 'failed', 'canceled', 'returned') THEN 0 ELSE amount + fee_ceiling END),
    CONSTRAINT payout_has_a_provider_to_be_sent CHECK (
        provider IS NOT NULL OR state NOT IN ('ready', 'submitting', 'pending', 'outcome_unknown')),
    CONSTRAINT payout_held_for_a_cause CHECK ((state = 'held') = (hold_cause IS NOT NULL))
);
-- A row that turns out not to fit its pool is taken back inside the transaction that wrote it; a reserved one never is.
CREATE FUNCTION payout_is_never_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM transfer WHERE payout_id = OLD.id) THEN
        RAISE EXCEPTION 'payout % has moved money and is never removed', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER payout_is_never_removed BEFORE DELETE ON payout FOR EACH ROW EXECUTE FUNCTION payout_is_never_removed();
CREATE INDEX payout_ready ON payout (provider, due_at, id) WHERE state = 'ready';
CREATE INDEX payout_needs_somebody ON payout (state, id)
    WHERE state IN ('held', 'awaiting_approval', 'outcome_unknown', 'failed', 'returned');
CREATE UNIQUE INDEX payout_quote_used_once ON payout (quote_id) WHERE quote_id IS NOT NULL;

-- What the rail deduplicates. Key and content are stored before the call and never change.
CREATE TABLE submission (
    provider        text NOT NULL,
    rail_key        text NOT NULL,
    content_digest  bytea NOT NULL,
    prepared        bytea,
    resume          bytea,
    expires_at      timestamptz,
    created_at      timestamptz NOT NULL DEFAULT rr_now(),
    PRIMARY KEY (provider, rail_key)
);

-- One try over one rail. `fence` grows with every lease; a writer holding an older one is refused.
CREATE TABLE attempt (
    payout_id           uuid NOT NULL,
    attempt_no          integer NOT NULL CHECK (attempt_no > 0),
    provider            text NOT NULL,
    submission_key      text NOT NULL,
    state               attempt_state NOT NULL,
    fence               integer NOT NULL DEFAULT 1,
    sends               integer NOT NULL DEFAULT 1,
    sent_at             timestamptz NOT NULL DEFAULT rr_now(),
    leased_by           text NOT NULL,
    lease_until         timestamptz,
    sync_due_at         timestamptz,
    syncs               integer NOT NULL DEFAULT 0,
    provider_reference  text,
    code                text,
    created_at          timestamptz NOT NULL DEFAULT rr_now(),
    updated_at          timestamptz NOT NULL DEFAULT rr_now(),
    PRIMARY KEY (payout_id, attempt_no),
    CONSTRAINT attempt_sending_is_leased CHECK ((state = 'sending') = (lease_until IS NOT NULL))
);
CREATE UNIQUE INDEX attempt_one_live ON attempt (payout_id) WHERE state IN ('sending', 'accepted', 'unknown');
CREATE INDEX attempt_leased ON attempt (provider, lease_until) WHERE state = 'sending';
CREATE INDEX attempt_to_sync ON attempt (provider, sync_due_at) WHERE sync_due_at IS NOT NULL;
CREATE INDEX attempt_by_provider_reference ON attempt (provider, provider_reference)
    WHERE provider_reference IS NOT NULL;

-- Everything ever learnt about an attempt, also what came too late to move anything.
CREATE TABLE observation (
    id                  uuid NOT NULL,
    payout_id           uuid NOT NULL,
    attempt_no          integer NOT NULL,
    provider            text NOT NULL,
    source              text NOT NULL CHECK (source IN ('call', 'webhook', 'sync', 'operator')),
    status              text NOT NULL,
    effect              text NOT NULL CHECK (effect IN ('applied', 'no_change', 'fenced', 'contradiction')),
    code                text,
    provider_code       text,
    provider_reference  text,
    evidence            bytea,
    evidence_key_id     text,
    actor               text NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT rr_now(),
    PRIMARY KEY (payout_id, id)
);
CREATE TRIGGER observation_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON observation
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_immutable();

CREATE TABLE quote (
    id                  uuid PRIMARY KEY,
    pool_id             uuid NOT NULL REFERENCES pool,
    provider            text NOT NULL,
    campaign            text NOT NULL,
    player_id           text NOT NULL,
    jurisdiction        text NOT NULL,
    destination_kind    text NOT NULL,
    destination_digest  bytea NOT NULL,
    asset               text NOT NULL,
    amount              minor_amount NOT NULL CHECK (amount > 0),
    fee                 minor_amount NOT NULL CHECK (fee >= 0),
    expires_at          timestamptz NOT NULL,
    created_by          text NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT rr_now()
);

-- An outcome that nobody can prove is settled by two people with evidence.
CREATE TABLE resolution (
    id            uuid PRIMARY KEY,
    payout_id     uuid NOT NULL,
    attempt_no    integer NOT NULL,
    outcome       text NOT NULL CHECK (outcome IN ('paid', 'not_paid')),
    evidence      bytea NOT NULL,
    evidence_key_id text NOT NULL,
    evidence_digest bytea NOT NULL,
    proposed_by   text NOT NULL,
    proposed_at   timestamptz NOT NULL DEFAULT rr_now(),
    confirmed_by  text,
    confirmed_at  timestamptz,
    voided_at     timestamptz,
    CONSTRAINT resolution_takes_two CHECK (confirmed_by IS DISTINCT FROM proposed_by)
);
CREATE UNIQUE INDEX resolution_one_open ON resolution (payout_id) WHERE confirmed_at IS NULL AND voided_at IS NULL;

CREATE TABLE webhook_inbox (
    id            uuid PRIMARY KEY,
    provider      text NOT NULL,
    event_key     text NOT NULL,
    body          bytea NOT NULL,
    body_key_id   text NOT NULL,
    observations  bytea NOT NULL,
    state         text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'applied', 'quarantined')),
    code          text,
    due_at        timestamptz NOT NULL DEFAULT rr_now(),
    received_at   timestamptz NOT NULL DEFAULT rr_now(),
    CONSTRAINT webhook_counted_once UNIQUE (provider, event_key)
);
CREATE INDEX webhook_waiting ON webhook_inbox (due_at, id) WHERE state = 'waiting';
CREATE INDEX webhook_quarantined ON webhook_inbox (id) WHERE state = 'quarantined';

-- Events: history, outbox and audit in one table ---------------------------------------------------------------------
-- `n` is drawn while the payout's row is locked, so it follows the versions of one payout; `transaction_id` tells the
-- sealer which events can no longer be joined by an older one. Only position and chain_hash are ever written later, once.
CREATE TABLE event (
    n               bigint GENERATED ALWAYS AS IDENTITY,
    subject_id      uuid NOT NULL,
    version         integer NOT NULL,
    type            text NOT NULL,
    data            jsonb NOT NULL,
    actor           text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT rr_now(),
    transaction_id  xid8 NOT NULL DEFAULT pg_current_xact_id(),
    position        bigint,
    chain_hash      bytea,
    PRIMARY KEY (subject_id, version),
    CONSTRAINT event_sealed_whole CHECK ((position IS NULL) = (chain_hash IS NULL))
);
CREATE UNIQUE INDEX event_by_position ON event (position) WHERE position IS NOT NULL;
CREATE INDEX event_unsealed ON event (n) WHERE position IS NULL;

CREATE FUNCTION event_is_sealed_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'event % is sealed and never changes', OLD.n USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER event_is_sealed_once BEFORE UPDATE ON event FOR EACH ROW
    WHEN (OLD.position IS NOT NULL OR OLD.subject_id <> NEW.subject_id OR OLD.version <> NEW.version
          OR OLD.type <> NEW.type OR OLD.data <> NEW.data OR OLD.actor <> NEW.actor OR OLD.created_at <> NEW.created_at)
    EXECUTE FUNCTION event_is_sealed_once();
CREATE TRIGGER event_is_never_removed BEFORE DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_immutable();

CREATE TABLE event_seal (
    singleton   boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    position    bigint NOT NULL DEFAULT 0,
    chain_hash  bytea NOT NULL DEFAULT '\x',
    sealed_at   timestamptz NOT NULL DEFAULT rr_now()
);
INSERT INTO event_seal DEFAULT VALUES;

CREATE TABLE delivery (
    endpoint      text NOT NULL,
    position      bigint NOT NULL,
    subject_id    uuid NOT NULL,
    due_at        timestamptz NOT NULL DEFAULT rr_now(),
    tries         integer NOT NULL DEFAULT 0,
    http_status   integer,
    error         text,
    delivered_at  timestamptz,
    given_up_at   timestamptz,
    PRIMARY KEY (endpoint, position)
);
CREATE INDEX delivery_due ON delivery (endpoint, due_at, position) WHERE delivered_at IS NULL AND given_up_at IS NULL;
CREATE INDEX delivery_open ON delivery (endpoint, subject_id, position) WHERE delivered_at IS NULL AND given_up_at IS NULL;

-- Batches: a file is staged row by row with a verdict each, and moves no money until it is started ------------------------
CREATE TABLE batch (
    id              uuid PRIMARY KEY,
    name            text NOT NULL,
    format          text NOT NULL CHECK (format IN ('csv', 'ndjson')),
    state           text NOT NULL CHECK (state IN ('staging', 'staged', 'starting', 'started')),
    content_digest  bytea UNIQUE,
    rows_staged     bigint NOT NULL DEFAULT 0,
    bytes_staged    bigint NOT NULL DEFAULT 0,
    prefix_digest   bytea,
    started_to      bigint NOT NULL DEFAULT 0,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT rr_now(),
    started_by      text,
    CONSTRAINT batch_started_by_somebody CHECK (started_by IS NOT NULL OR state IN ('staging', 'staged')),
    CONSTRAINT batch_whole_has_a_digest CHECK (state = 'staging' OR content_digest IS NOT NULL)
);

CREATE INDEX batch_starting ON batch (id) WHERE state = 'starting';

CREATE TABLE batch_row (
    batch_id                uuid NOT NULL,
    row_no                  bigint NOT NULL,
    reward_id               text,
    verdict                 text NOT NULL CHECK (verdict IN ('accepted', 'replayed', 'refused')),
    code                    text,
    field                   text,
    message                 text,
    payout_id               uuid,
    campaign                text,
    player_id               text,
    asset                   text,
    amount                  minor_amount,
    jurisdiction            text,
    destination_kind        text,
    destination_ciphertext  bytea,
    destination_key_id      text,
    destination_digest      bytea,
    content_digest          bytea,
    PRIMARY KEY (batch_id, row_no),
    CONSTRAINT batch_row_refused_with_a_code CHECK ((verdict = 'refused') = (code IS NOT NULL))
);
CREATE UNIQUE INDEX batch_row_claims ON batch_row (batch_id, campaign, reward_id) WHERE verdict = 'accepted';

-- People and callers -------------------------------------------------------------------------------------------------
CREATE TABLE api_key (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    digest      bytea NOT NULL UNIQUE,
    scopes      text[] NOT NULL,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT rr_now(),
    revoked_at  timestamptz
);

CREATE TABLE idempotency (
    client          text NOT NULL,
    operation       text NOT NULL,
    key             text NOT NULL,
    request_digest  bytea NOT NULL,
    status          smallint NOT NULL,
    response        bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT rr_now(),
    PRIMARY KEY (client, operation, key)
);

CREATE TABLE pause (
    id          uuid PRIMARY KEY,
    scope       text NOT NULL CHECK (scope IN ('everything', 'provider', 'campaign')),
    subject     text NOT NULL,
    reason      text NOT NULL,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT rr_now(),
    lifted_by   text,
    lifted_at   timestamptz,
    CONSTRAINT pause_of_everything_has_no_subject CHECK ((scope = 'everything') = (subject = ''))
);
CREATE UNIQUE INDEX pause_one_active ON pause (scope, subject) WHERE lifted_at IS NULL;

-- Providers and workers ----------------------------------------------------------------------------------------------
CREATE TABLE provider_state (
    name          text PRIMARY KEY,
    tokens        double precision NOT NULL DEFAULT 0,
    refilled_at   timestamptz NOT NULL DEFAULT rr_now(),
    failures      integer NOT NULL DEFAULT 0,
    closed_until  timestamptz,
    last_code     text,
    last_ok_at    timestamptz,
    last_fail_at  timestamptz
);

CREATE TABLE worker (
    name        text PRIMARY KEY,
    started_at  timestamptz NOT NULL DEFAULT rr_now(),
    seen_at     timestamptz NOT NULL DEFAULT rr_now()
);

-- Hot tables are vacuumed early: a queue lives on few dead rows.
ALTER TABLE payout        SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE attempt       SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE webhook_inbox SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE delivery      SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE event         SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

-- What the engine's own role may do ----------------------------------------------------------------------------------
-- It adds to the ledger and to history; it can neither change them nor touch a balance.
DO $$
BEGIN
    CREATE ROLE rewardrails_app NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    EXECUTE format('GRANT rewardrails_app TO %I', current_user);
EXCEPTION WHEN unique_violation THEN NULL;
END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON FUNCTION transfer_moves_balances(), pool_opens_accounts() FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO rewardrails_app;
GRANT SELECT, INSERT ON instance, pool, transfer, observation TO rewardrails_app;
GRANT SELECT ON account TO rewardrails_app;
REVOKE ALL ON FUNCTION lock_available(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_available(uuid[]) TO rewardrails_app;
GRANT SELECT, INSERT, UPDATE ON attempt, submission, resolution, webhook_inbox, delivery,
    api_key, pause, provider_state, worker TO rewardrails_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON payout, batch, batch_row, idempotency, quote TO rewardrails_app;
GRANT SELECT, INSERT ON event TO rewardrails_app;
GRANT UPDATE (position, chain_hash) ON event TO rewardrails_app;
GRANT SELECT, UPDATE ON event_seal TO rewardrails_app;
DO $$
BEGIN
    IF to_regclass('alembic_version') IS NOT NULL THEN
        GRANT SELECT ON alembic_version TO rewardrails_app; -- so that a process can tell whether it fits the database
    END IF;
END $$;
