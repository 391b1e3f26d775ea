-- People who sign in, what they are, and how often somebody may try.

CREATE TABLE operator (
    id               uuid PRIMARY KEY,
    name             text NOT NULL,
    roles            text[] NOT NULL CHECK (cardinality(roles) > 0),
    password_hash    text,
    totp_ciphertext  bytea,
    totp_key_id      text,
    totp_last_step   bigint NOT NULL DEFAULT 0, -- of the last code that was taken: none at or before it is taken again
    oidc_issuer      text,
    oidc_subject     text,
    telegram_id      bigint UNIQUE,
    created_by       text NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT rr_now(),
    disabled_at      timestamptz,
    was_admin        boolean NOT NULL, -- now or once
    CONSTRAINT operator_password_comes_with_a_code CHECK (
        (password_hash IS NULL) = (totp_ciphertext IS NULL) AND (totp_ciphertext IS NULL) = (totp_key_id IS NULL)),
    CONSTRAINT operator_subject_of_an_issuer CHECK ((oidc_issuer IS NULL) = (oidc_subject IS NULL)),
    CONSTRAINT operator_one_per_subject UNIQUE (oidc_issuer, oidc_subject)
);
CREATE UNIQUE INDEX operator_one_per_name ON operator (lower(name));

-- What one admin wants done with somebody and another has to confirm; no password waits here. The newest of a name counts.
CREATE TABLE operator_change (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('add', 'roles', 'reset')),
    roles         text[] NOT NULL,
    oidc_issuer   text,
    oidc_subject  text,
    telegram_id   bigint,
    proposed_by   text NOT NULL,
    proposed_at   timestamptz NOT NULL DEFAULT rr_now()
);

-- `authenticated_at` is when its owner last proved who they are; `seen_at` moves once a minute.
CREATE TABLE operator_session (
    id                uuid PRIMARY KEY,
    digest            bytea NOT NULL UNIQUE,
    operator_id       uuid NOT NULL REFERENCES operator (id),
    method            text NOT NULL CHECK (method IN ('password', 'oidc', 'telegram')),
    created_at        timestamptz NOT NULL DEFAULT rr_now(),
    authenticated_at  timestamptz NOT NULL DEFAULT rr_now(),
    seen_at           timestamptz NOT NULL DEFAULT rr_now(),
    idle_seconds      double precision NOT NULL CHECK (idle_seconds > 0),
    expires_at        timestamptz NOT NULL,
    revoked_at        timestamptz
);
CREATE INDEX operator_session_of_operator ON operator_session (operator_id) WHERE revoked_at IS NULL;

-- Tries per address, per name, per both and per step-up, in a fixed number of slots: no stranger can make it grow.
CREATE TABLE sign_in_limit (
    kind     text NOT NULL CHECK (kind IN ('address', 'name', 'name_from', 'step_up')),
    slot     integer NOT NULL CHECK (slot BETWEEN 0 AND 65535),
    tries    integer NOT NULL,
    ends_at  timestamptz NOT NULL,
    PRIMARY KEY (kind, slot)
) WITH (fillfactor = 50);

-- What was signed for one sign-in and must not serve a second.
CREATE TABLE sign_in_used (
    digest      bytea PRIMARY KEY,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX sign_in_used_expired ON sign_in_used (expires_at);

GRANT SELECT, INSERT, UPDATE ON operator, operator_session TO rewardrails_app;
GRANT SELECT, INSERT, UPDATE ON sign_in_limit TO rewardrails_app;
GRANT SELECT, INSERT, DELETE ON operator_change TO rewardrails_app;
GRANT SELECT, INSERT, DELETE ON sign_in_used TO rewardrails_app;
GRANT DELETE ON operator_session TO rewardrails_app;
