-- What stands between a reward and the money, as data that people manage. The rules themselves are configuration.

-- Payouts as the gates see them --------------------------------------------------------------------------------------
-- `address_digest` is of the destination alone, without kind and memo (null: written by an older version; it is then made
-- from the ciphertext). `counted` once the payout was added to its counters,
-- `legal_approval_id` under which approval that was. `recheck_at` when a held one is judged again.
ALTER TABLE payout
    ADD COLUMN address_digest bytea,
    ADD COLUMN counted boolean NOT NULL DEFAULT false,
    ADD COLUMN legal_approval_id uuid,
    ADD COLUMN recheck_at timestamptz;
CREATE INDEX payout_to_judge_again ON payout (recheck_at) WHERE state = 'held' AND recheck_at IS NOT NULL;
CREATE INDEX payout_unsent_of_player ON payout (player_id) WHERE state IN ('held', 'awaiting_approval', 'ready');

-- Which gates stopped a payout, and what became of it. The first open one is the payout's hold_cause.
CREATE TABLE hold (
    payout_id    uuid NOT NULL,
    gate         text NOT NULL,
    code         text,
    why          text NOT NULL,
    owner        text NOT NULL,
    opened_at    timestamptz NOT NULL DEFAULT rr_now(),
    deadline_at  timestamptz,
    closed_at    timestamptz,
    closed_by    text,
    reason       text
);
CREATE UNIQUE INDEX hold_one_open ON hold (payout_id, gate) WHERE closed_at IS NULL;
CREATE INDEX hold_by_payout ON hold (payout_id);
CREATE INDEX hold_open ON hold (opened_at, payout_id, gate) WHERE closed_at IS NULL;

INSERT INTO hold (payout_id, gate, code, why, owner)
SELECT id, CASE hold_cause WHEN 'no_route' THEN 'no_route' ELSE 'operator' END, code, hold_cause, 'operator'
FROM payout WHERE state = 'held';

-- A gate that a person overruled for exactly one content.
CREATE TABLE gate_lift (
    payout_id       uuid NOT NULL,
    gate            text NOT NULL,
    content_digest  bytea NOT NULL,
    reason          text NOT NULL,
    lifted_by       text NOT NULL,
    lifted_at       timestamptz NOT NULL DEFAULT rr_now(),
    PRIMARY KEY (payout_id, gate, content_digest)
);

-- One person's word that exactly this content may be paid.
CREATE TABLE sign_off (
    payout_id       uuid NOT NULL,
    content_digest  bytea NOT NULL,
    approver        text NOT NULL,
    approved_at     timestamptz NOT NULL DEFAULT rr_now(),
    PRIMARY KEY (payout_id, content_digest, approver)
);

-- The legal register -------------------------------------------------------------------------------------------------
-- Recorded by one person, in force once another confirmed it. `campaigns` may be {*}. Maxima are smallest units of the one
-- asset such an approval names. It is never edited: revoke it and record another.
CREATE TABLE legal_approval (
    id                  uuid PRIMARY KEY,
    provider_type       text NOT NULL,
    adapter             text NOT NULL,
    assets              text[] NOT NULL CHECK (cardinality(assets) > 0),
    jurisdictions       text[] NOT NULL CHECK (cardinality(jurisdictions) > 0),
    campaigns           text[] NOT NULL CHECK (cardinality(campaigns) > 0),
    max_total           minor_amount CHECK (max_total > 0),
    max_per_player      minor_amount CHECK (max_per_player > 0),
    valid_from          timestamptz NOT NULL,
    valid_until         timestamptz NOT NULL,
    document_reference  text NOT NULL,
    document_sha256     bytea NOT NULL CHECK (length(document_sha256) = 32),
    recorded_by         text NOT NULL,
    recorded_at         timestamptz NOT NULL DEFAULT rr_now(),
    confirmed_by        text,
    confirmed_at        timestamptz,
    revoked_by          text,
    revoked_at          timestamptz,
    revoke_reason       text,
    CONSTRAINT legal_approval_takes_two CHECK (confirmed_by IS DISTINCT FROM recorded_by),
    CONSTRAINT legal_approval_ends_after_it_begins CHECK (valid_until > valid_from),
    CONSTRAINT legal_approval_bounds_one_asset CHECK (
        cardinality(assets) = 1 OR (max_total IS NULL AND max_per_player IS NULL))
);
CREATE INDEX legal_approval_usable ON legal_approval (valid_until) WHERE confirmed_at IS NOT NULL AND revoked_at IS NULL;

-- Players: references to checks made elsewhere, never documents --------------------------------------------------------
CREATE TABLE player_check (
    player_id    text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('kyc', 'sanctions', 'age')),
    result       text NOT NULL CHECK (result IN ('passed', 'failed', 'pending')),
    age          smallint CHECK (age BETWEEN 0 AND 150),
    reference    text NOT NULL,
    expires_at   timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT rr_now(),
    PRIMARY KEY (player_id, kind)
);
CREATE TABLE player_risk (
    player_id    text PRIMARY KEY,
    score        smallint NOT NULL CHECK (score BETWEEN 0 AND 100),
    reasons      text[] NOT NULL,
    expires_at   timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT rr_now()
);

-- Destinations ---------------------------------------------------------------------------------------------------------
CREATE TABLE address_use (
    address_digest  bytea NOT NULL,
    player_id       text NOT NULL,
    first_seen_at   timestamptz NOT NULL DEFAULT rr_now(),
    proved_at       timestamptz,
    proof           text,
    PRIMARY KEY (address_digest, player_id)
);
CREATE INDEX address_use_of_player ON address_use (player_id);

CREATE TABLE address_list (
    id             uuid PRIMARY KEY,
    name           text NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('deny', 'allow', 'sanctions')),
    source         text NOT NULL,
    dated          timestamptz NOT NULL,
    sha256         bytea NOT NULL,
    entries        integer NOT NULL,
    loaded_by      text NOT NULL,
    loaded_at      timestamptz NOT NULL DEFAULT rr_now(),
    superseded_at  timestamptz
);
CREATE UNIQUE INDEX address_list_one_current ON address_list (name) WHERE superseded_at IS NULL;
CREATE TABLE address_list_entry (
    list_id         uuid NOT NULL,
    address_digest  bytea NOT NULL,
    PRIMARY KEY (list_id, address_digest)
);
CREATE TABLE screening (
    address_digest  bytea NOT NULL,
    screener        text NOT NULL,
    result          text NOT NULL CHECK (result IN ('clear', 'hit', 'unknown')),
    reference       text,
    expires_at      timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT rr_now(),
    PRIMARY KEY (address_digest, screener)
);

-- Limits ---------------------------------------------------------------------------------------------------------------
-- Who lets a payout through holds the locks of its counters; a window is the sum of its buckets.
CREATE TABLE counter_lock (name text PRIMARY KEY);
CREATE TABLE counter (
    name    text NOT NULL,
    bucket  timestamptz NOT NULL,
    count   bigint NOT NULL,
    amount  minor_amount NOT NULL,
    PRIMARY KEY (name, bucket)
) WITH (fillfactor = 50);

-- What one whole unit of an asset is worth in whole reference units.
CREATE TABLE rate (
    asset    text PRIMARY KEY,
    value    numeric NOT NULL CHECK (value > 0),
    dated    timestamptz NOT NULL,
    source   text NOT NULL,
    set_by   text NOT NULL,
    set_at   timestamptz NOT NULL DEFAULT rr_now()
);

CREATE TABLE batch_total (
    batch_id  uuid NOT NULL,
    asset     text NOT NULL,
    amount    minor_amount NOT NULL,
    PRIMARY KEY (batch_id, asset)
);

-- Pauses, at four levels, of accepting and of sending ------------------------------------------------------------------
ALTER TABLE pause DROP CONSTRAINT pause_scope_check;
ALTER TABLE pause ADD CONSTRAINT pause_scope_check CHECK (scope IN ('everything', 'provider', 'campaign', 'player'));
ALTER TABLE pause ADD COLUMN stops text NOT NULL DEFAULT 'sending' CHECK (stops IN ('accepting', 'sending'));
DROP INDEX pause_one_active;
CREATE UNIQUE INDEX pause_one_active ON pause (scope, subject, stops) WHERE lifted_at IS NULL;

GRANT SELECT, INSERT, UPDATE ON hold, legal_approval, player_check, player_risk, address_use, address_list, screening,
    counter, rate, batch_total TO rewardrails_app;
GRANT SELECT, INSERT ON gate_lift, sign_off, address_list_entry TO rewardrails_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON counter_lock TO rewardrails_app;
GRANT DELETE ON counter, address_list_entry TO rewardrails_app;
