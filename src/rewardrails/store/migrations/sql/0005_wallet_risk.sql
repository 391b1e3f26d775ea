-- What guards a wallet: screeners that are asked, proofs of ownership, and what providers hold for us.

-- Screeners ------------------------------------------------------------------------------------------------------------
-- `reason` says why a screener could not tell. One worker at a time asks a screener: whoever moves `next_at`.
ALTER TABLE screening ADD COLUMN reason text;
CREATE TABLE screener_state (
    name      text PRIMARY KEY,
    next_at   timestamptz NOT NULL,
    failures  integer NOT NULL DEFAULT 0
);
CREATE INDEX payout_held_by_address ON payout (address_digest) WHERE state = 'held';
CREATE INDEX hold_for_screening ON hold (payout_id) WHERE closed_at IS NULL AND gate = 'screening';

-- Proofs of ownership --------------------------------------------------------------------------------------------------
-- A question to a player about one destination, answered at most once. The destination is kept as its keyed digest alone.
CREATE TABLE ownership_challenge (
    id              uuid PRIMARY KEY,
    player_id       text NOT NULL,
    kind            text NOT NULL,
    address_digest  bytea NOT NULL,
    proof           text NOT NULL,
    domain          text NOT NULL,
    nonce           text NOT NULL,
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT rr_now()
);
CREATE INDEX ownership_challenge_old ON ownership_challenge (expires_at);

-- Floats ---------------------------------------------------------------------------------------------------------------
-- What a provider said it holds of an asset, and what it cannot have known then: `under_way` was live when it was asked,
-- `claimed` grows by everything that is claimed, `claimed_then` is where that stood when it was asked. Changed only under
-- the lock of the provider's row in provider_state. `minimum` and `cap` are the configuration's, for figures.
CREATE TABLE provider_float (
    provider      text NOT NULL,
    asset         text NOT NULL,
    minimum       minor_amount,
    cap           minor_amount,
    balance       numeric(38, 0),
    known_at      timestamptz,
    under_way     minor_amount NOT NULL DEFAULT 0,
    claimed       minor_amount NOT NULL DEFAULT 0,
    claimed_then  minor_amount NOT NULL DEFAULT 0,
    next_ask_at   timestamptz NOT NULL DEFAULT rr_now(),
    failures      integer NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, asset)
);

GRANT SELECT, INSERT, UPDATE ON screener_state, provider_float TO rewardrails_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ownership_challenge TO rewardrails_app;
