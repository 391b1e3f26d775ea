-- name: insert_pause
INSERT INTO pause (id, scope, subject, reason, created_by, stops) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (scope, subject, stops) WHERE lifted_at IS NULL DO NOTHING RETURNING *

-- name: active_pause
SELECT * FROM pause WHERE scope = $1 AND subject = $2 AND stops = $3 AND lifted_at IS NULL

-- name: active_pauses
SELECT * FROM pause WHERE lifted_at IS NULL ORDER BY id

-- name: pauses_of_sending
-- Those that keep a payout from being sent. $1 provider, $2 campaign, $3 player.
SELECT * FROM pause
WHERE lifted_at IS NULL AND stops = 'sending'
  AND (scope = 'everything' OR (scope = 'provider' AND subject = $1) OR (scope = 'campaign' AND subject = $2)
       OR (scope = 'player' AND subject = $3))
ORDER BY id

-- name: has_open_payouts
SELECT EXISTS (SELECT FROM payout WHERE state NOT IN ('paid', 'failed', 'canceled', 'returned')
    AND CASE $1 WHEN 'campaign' THEN campaign ELSE provider END = $2)

-- name: lift_pause
UPDATE pause SET lifted_by = $2, lifted_at = rr_now() WHERE id = $1 AND lifted_at IS NULL RETURNING *

-- name: insert_api_key
INSERT INTO api_key (id, name, digest, scopes, created_by) VALUES ($1, $2, $3, $4, $5)

-- name: api_key_by_digest
SELECT id, name, scopes FROM api_key WHERE digest = $1 AND revoked_at IS NULL

-- name: list_api_keys
SELECT id, name, scopes, created_by, created_at, revoked_at FROM api_key ORDER BY id

-- name: revoke_api_key
UPDATE api_key SET revoked_at = rr_now() WHERE id = $1 AND revoked_at IS NULL RETURNING id

-- name: claim_idempotency
-- Takes the key for this transaction; no row comes back when the key is taken already.
INSERT INTO idempotency (client, operation, key, request_digest, status, response)
VALUES ($1, $2, $3, $4, 0, '') ON CONFLICT DO NOTHING RETURNING key

-- name: read_idempotency
SELECT request_digest, status, response FROM idempotency WHERE client = $1 AND operation = $2 AND key = $3

-- name: claim_idempotency_keys
-- The same for many keys of one caller; the keys that were free come back.
INSERT INTO idempotency (client, operation, key, request_digest, status, response)
SELECT $1, $2, key, digest, 0, '' FROM unnest($3::text[], $4::bytea[]) AS row (key, digest) ORDER BY key
ON CONFLICT DO NOTHING RETURNING key

-- name: read_idempotency_keys
SELECT key, request_digest, status, response FROM idempotency WHERE client = $1 AND operation = $2 AND key = ANY ($3::text[])

-- name: store_responses
UPDATE idempotency SET status = row.status, response = row.response
FROM unnest($3::text[], $4::int[], $5::bytea[]) AS row (key, status, response)
WHERE idempotency.client = $1 AND idempotency.operation = $2 AND idempotency.key = row.key

-- name: forget_idempotency_keys
DELETE FROM idempotency WHERE client = $1 AND operation = $2 AND key = ANY ($3::text[])

-- name: store_response
UPDATE idempotency SET status = $4, response = $5 WHERE client = $1 AND operation = $2 AND key = $3

-- name: finish_idempotency
-- Stores the answer to a call that was bound to its key before it was made; another request under the key stays as it is.
INSERT INTO idempotency (client, operation, key, request_digest, status, response) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (client, operation, key) DO UPDATE SET status = EXCLUDED.status, response = EXCLUDED.response
    WHERE idempotency.status = 0 AND idempotency.request_digest = EXCLUDED.request_digest
RETURNING key

-- name: unbind_idempotency
DELETE FROM idempotency WHERE client = $1 AND operation = $2 AND key = $3 AND request_digest = $4 AND status = 0

-- name: schema_version
SELECT version_num FROM alembic_version

-- name: forget_old_keys
DELETE FROM idempotency WHERE created_at < rr_now() - $1::int * interval '1 day'

-- name: beat
INSERT INTO worker (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET seen_at = rr_now()

-- name: leave
UPDATE worker SET seen_at = '-infinity' WHERE name = $1

-- name: live_workers
-- Who left says so; who died is gone once it was not seen for this long.
SELECT name, started_at, seen_at FROM worker WHERE seen_at > rr_now() - interval '30 seconds' ORDER BY name

-- name: provider_figures
SELECT state.name, state.failures, state.closed_until > rr_now() AS broken, state.closed_until, state.last_code,
    state.last_ok_at, state.last_fail_at,
    (SELECT count(*) FROM payout WHERE payout.provider = state.name AND payout.state = 'ready') AS ready,
    (SELECT count(*) FROM attempt WHERE attempt.provider = state.name AND attempt.state = 'sending') AS sending,
    (SELECT count(*) FROM attempt WHERE attempt.provider = state.name AND attempt.sync_due_at IS NOT NULL) AS under_way
FROM provider_state AS state ORDER BY state.name

