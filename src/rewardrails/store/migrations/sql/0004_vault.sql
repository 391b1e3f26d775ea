-- Encryption at rest: data keys that are stored wrapped, and a salt for every player, whose loss erases the player.

-- Keys that seal (`seal`), and the two that never change: of lookups (`digest`) and of API keys (`pepper`). `wrapped_by` names
-- the master key, or the key of a service, that opens it. Retired: nothing is sealed with it any more.
CREATE TABLE data_key (
    id          text PRIMARY KEY,
    purpose     text NOT NULL CHECK (purpose IN ('seal', 'digest', 'pepper')),
    wrapped_by  text NOT NULL,
    wrapped     bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT rr_now(),
    retired_at  timestamptz,
    CONSTRAINT data_key_retired_only_if_it_seals CHECK (retired_at IS NULL OR purpose = 'seal')
);
CREATE UNIQUE INDEX data_key_of_lookups_is_one ON data_key (purpose) WHERE purpose <> 'seal';

-- A player's key is made of a data key and this salt. Null: erased, for the reason given (`erased_for`: a request's name). A
-- new payout of the same player gets a new salt.
CREATE TABLE player_secret (
    player_id   text PRIMARY KEY,
    salt        bytea CHECK (length(salt) = 40),
    created_at  timestamptz NOT NULL DEFAULT rr_now(),
    erased_at   timestamptz,
    erased_for  text,
    CONSTRAINT player_secret_gone_when_erased CHECK (salt IS NOT NULL OR erased_at IS NOT NULL)
);
-- A deleted salt must not linger in dead rows.
ALTER TABLE player_secret SET (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0.001);

-- Two random ids are 244 random bits; the eight bytes that name the salt are two more.
INSERT INTO player_secret (player_id, salt)
SELECT player_id, decode(left(replace(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
    80), 'hex')
FROM (SELECT player_id FROM payout UNION SELECT player_id FROM batch_row WHERE player_id IS NOT NULL) AS player;

-- Null key: not sealed, written by an older version.
ALTER TABLE submission ADD COLUMN prepared_key_id text, ADD COLUMN resume_key_id text;

-- Whom an applied notice speaks of; null: not known yet, or several.
ALTER TABLE webhook_inbox ADD COLUMN player_id text, ADD COLUMN observations_key_id text;
UPDATE webhook_inbox SET observations_key_id = body_key_id;
ALTER TABLE webhook_inbox ALTER COLUMN observations_key_id SET NOT NULL;

-- What was observed never changes; what it is sealed with may.
DROP TRIGGER observation_is_immutable ON observation;
CREATE TRIGGER observation_is_immutable BEFORE DELETE OR TRUNCATE OR UPDATE OF id, payout_id, attempt_no, provider, source,
    status, effect, code, provider_code, provider_reference, actor, created_at ON observation
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_immutable();

-- Answers to what people did to payouts: few, and read when a player is erased.
CREATE INDEX idempotency_of_people ON idempotency (operation) WHERE operation <> 'payouts.create';

GRANT SELECT, INSERT, UPDATE ON data_key, player_secret TO rewardrails_app;
GRANT UPDATE (evidence, evidence_key_id) ON observation TO rewardrails_app;
