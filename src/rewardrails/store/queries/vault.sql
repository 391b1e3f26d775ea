-- name: data_keys
SELECT id, purpose, wrapped_by, wrapped, created_at, retired_at FROM data_key ORDER BY created_at, id

-- name: lock_data_keys
LOCK TABLE data_key IN SHARE ROW EXCLUSIVE MODE

-- name: insert_data_keys
INSERT INTO data_key (id, purpose, wrapped_by, wrapped)
SELECT id, purpose, wrapped_by, wrapped
FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) AS row (id, purpose, wrapped_by, wrapped)

-- name: wrap_data_keys_anew
UPDATE data_key SET wrapped_by = $3, wrapped = row.wrapped
FROM unnest($1::text[], $2::bytea[], $4::bytea[]) AS row (id, was, wrapped)
WHERE data_key.id = row.id AND data_key.wrapped = row.was

-- name: retire_data_keys
UPDATE data_key SET retired_at = rr_now() WHERE id = ANY ($1::text[]) AND retired_at IS NULL RETURNING id

-- name: instance_key
SELECT key_id FROM instance

-- name: writing_for_players
-- Nobody is erased until this transaction ends; salts read after it are good until then.
LOCK TABLE player_secret IN ROW EXCLUSIVE MODE

-- name: erasing_players
-- Waits for everybody who writes something for a player, and keeps them waiting.
LOCK TABLE player_secret IN SHARE ROW EXCLUSIVE MODE

-- name: player_salts
SELECT player_id, salt FROM player_secret WHERE player_id = ANY ($1::text[]) AND salt IS NOT NULL

-- name: make_player_salts
-- Answers those for whom somebody else made one just now: then that one counts.
WITH given AS (
    SELECT player_id, salt FROM unnest($1::text[], $2::bytea[]) AS row (player_id, salt)
), made AS (
    INSERT INTO player_secret (player_id, salt) SELECT player_id, salt FROM given ORDER BY player_id
    ON CONFLICT (player_id) DO UPDATE SET salt = COALESCE(player_secret.salt, EXCLUDED.salt)
    RETURNING player_id, salt
)
SELECT made.player_id, made.salt FROM made JOIN given USING (player_id) WHERE made.salt <> given.salt

-- name: salts_of_payouts
SELECT payout.id, payout.player_id, secret.salt
FROM payout LEFT JOIN player_secret AS secret USING (player_id) WHERE payout.id = ANY ($1::uuid[])

-- name: players_under_way
-- Those of these players to whom money may still go: payouts that have not ended, and rows that become payouts just now.
SELECT player_id FROM payout
WHERE state IN ('held', 'awaiting_approval', 'ready') AND player_id = ANY ($1::text[])
UNION SELECT payout.player_id FROM attempt JOIN payout ON payout.id = attempt.payout_id
WHERE attempt.state IN ('sending', 'accepted', 'unknown') AND payout.player_id = ANY ($1::text[])
    AND payout.state NOT IN ('paid', 'failed', 'canceled', 'returned')
UNION SELECT row.player_id FROM batch JOIN batch_row AS row ON row.batch_id = batch.id
WHERE batch.state = 'starting' AND row.payout_id IS NULL AND row.verdict = 'accepted' AND row.player_id = ANY ($1::text[])

-- name: erase_players
UPDATE player_secret SET salt = NULL, erased_at = rr_now(), erased_for = row.reason
FROM unnest($1::text[], $2::text[]) AS row (player_id, reason)
WHERE player_secret.player_id = row.player_id AND salt IS NOT NULL RETURNING player_secret.player_id

-- name: known_players
SELECT player_id FROM player_secret WHERE player_id = ANY ($1::text[])

-- name: erase_player_checks
UPDATE player_check SET reference = 'erased', age = NULL WHERE player_id = ANY ($1::text[])

-- name: erase_player_risks
UPDATE player_risk SET reasons = '{}' WHERE player_id = ANY ($1::text[])

-- name: erase_player_proofs
UPDATE address_use SET proof = NULL WHERE player_id = ANY ($1::text[]) AND proof IS NOT NULL

-- name: erase_answers
-- What people were answered about these players' payouts shows their destinations masked.
UPDATE idempotency SET response = convert_to(jsonb_set(said, '{destination_masked}', '"erased"')::text, 'UTF8')
FROM (
    SELECT client, operation, key,
        CASE WHEN length(response) > 0 THEN convert_from(response, 'UTF8')::jsonb END AS said
    FROM idempotency WHERE operation <> 'payouts.create' AND operation LIKE 'payouts.%') AS answer
WHERE (idempotency.client, idempotency.operation, idempotency.key) = (answer.client, answer.operation, answer.key)
    AND said ? 'destination_masked' AND said ->> 'player_id' = ANY ($1::text[])

-- name: erase_answer_of_erased
-- One answer just stored, if its player was erased while it was made.
UPDATE idempotency SET response = convert_to(jsonb_set(said, '{destination_masked}', '"erased"')::text, 'UTF8')
FROM (
    SELECT convert_from(response, 'UTF8')::jsonb AS said FROM idempotency
    WHERE client = $1 AND operation = $2 AND key = $3 AND length(response) > 0) AS answer
JOIN player_secret ON player_secret.player_id = said ->> 'player_id' AND player_secret.salt IS NULL
WHERE client = $1 AND operation = $2 AND key = $3 AND said ? 'destination_masked'

-- name: old_seals
-- Data keys other than the present one ($1) that something is still sealed with.
SELECT DISTINCT key_id FROM (
    SELECT destination_key_id AS key_id FROM payout
    UNION ALL SELECT destination_key_id FROM batch_row WHERE destination_key_id IS NOT NULL
    UNION ALL SELECT COALESCE(prepared_key_id, '') FROM submission WHERE prepared IS NOT NULL
    UNION ALL SELECT COALESCE(resume_key_id, '') FROM submission WHERE resume IS NOT NULL
    UNION ALL SELECT evidence_key_id FROM observation WHERE evidence_key_id IS NOT NULL
    UNION ALL SELECT evidence_key_id FROM resolution
    UNION ALL SELECT body_key_id FROM webhook_inbox
    UNION ALL SELECT observations_key_id FROM webhook_inbox
    UNION ALL SELECT key_id FROM bearer_value WHERE length(sealed) > 0
    UNION ALL SELECT totp_key_id FROM operator WHERE totp_key_id IS NOT NULL) AS sealed
WHERE key_id <> $1
