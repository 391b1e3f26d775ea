-- Reading what is not sealed with the present data key ($1), a page after the last key seen; writing it anew only where it
-- still is what was read, and leaving what somebody is at for the next pass.

-- name: to_reseal_payouts
SELECT t.id AS a, t.destination_ciphertext AS sealed, t.destination_key_id AS key_id,
    (SELECT secret.salt FROM player_secret AS secret WHERE secret.player_id = t.player_id) AS salt
FROM payout AS t
WHERE (t.id) > ($3::uuid)
    AND t.destination_ciphertext IS NOT NULL AND t.destination_key_id IS DISTINCT FROM $1
ORDER BY t.id LIMIT $2

-- name: reseal_payouts
WITH held AS (
    SELECT row.a, row.was, row.sealed
    FROM payout AS t JOIN unnest($2::uuid[], $3::bytea[], $4::bytea[]) AS row (a, was, sealed)
        ON t.id = row.a AND t.destination_ciphertext = row.was
    ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE payout SET destination_ciphertext = held.sealed, destination_key_id = $1
FROM held WHERE payout.id = held.a AND payout.destination_ciphertext = held.was
RETURNING payout.id

-- name: to_reseal_batch_rows
SELECT t.batch_id AS a, t.row_no AS b, t.destination_ciphertext AS sealed, t.destination_key_id AS key_id,
    (SELECT secret.salt FROM player_secret AS secret WHERE secret.player_id = t.player_id) AS salt
FROM batch_row AS t
WHERE (t.batch_id, t.row_no) > ($3::uuid, $4::bigint)
    AND t.destination_ciphertext IS NOT NULL AND t.destination_key_id IS DISTINCT FROM $1
ORDER BY t.batch_id, t.row_no LIMIT $2

-- name: reseal_batch_rows
WITH held AS (
    SELECT row.a, row.b, row.was, row.sealed
    FROM batch_row AS t JOIN unnest($2::uuid[], $3::bigint[], $4::bytea[], $5::bytea[]) AS row (a, b, was, sealed)
        ON t.batch_id = row.a AND t.row_no = row.b AND t.destination_ciphertext = row.was
    ORDER BY t.batch_id, t.row_no FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE batch_row SET destination_ciphertext = held.sealed, destination_key_id = $1
FROM held WHERE batch_row.batch_id = held.a AND batch_row.row_no = held.b AND batch_row.destination_ciphertext = held.was
RETURNING batch_row.batch_id, batch_row.row_no

-- name: to_reseal_observations
SELECT t.payout_id AS a, t.id AS b, t.evidence AS sealed, t.evidence_key_id AS key_id,
    (SELECT secret.salt FROM payout JOIN player_secret AS secret USING (player_id)
     WHERE payout.id = t.payout_id) AS salt
FROM observation AS t
WHERE (t.payout_id, t.id) > ($3::uuid, $4::uuid)
    AND t.evidence IS NOT NULL AND t.evidence_key_id IS DISTINCT FROM $1
ORDER BY t.payout_id, t.id LIMIT $2

-- name: reseal_observations
WITH held AS (
    SELECT row.a, row.b, row.was, row.sealed
    FROM observation AS t JOIN unnest($2::uuid[], $3::uuid[], $4::bytea[], $5::bytea[]) AS row (a, b, was, sealed)
        ON t.payout_id = row.a AND t.id = row.b AND t.evidence = row.was
    ORDER BY t.payout_id, t.id FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE observation SET evidence = held.sealed, evidence_key_id = $1
FROM held WHERE observation.payout_id = held.a AND observation.id = held.b AND observation.evidence = held.was
RETURNING observation.payout_id, observation.id

-- name: to_reseal_resolutions
SELECT t.id AS a, t.evidence AS sealed, t.evidence_key_id AS key_id,
    (SELECT secret.salt FROM payout JOIN player_secret AS secret USING (player_id)
     WHERE payout.id = t.payout_id) AS salt
FROM resolution AS t
WHERE (t.id) > ($3::uuid)
    AND t.evidence IS NOT NULL AND t.evidence_key_id IS DISTINCT FROM $1
ORDER BY t.id LIMIT $2

-- name: reseal_resolutions
WITH held AS (
    SELECT row.a, row.was, row.sealed
    FROM resolution AS t JOIN unnest($2::uuid[], $3::bytea[], $4::bytea[]) AS row (a, was, sealed)
        ON t.id = row.a AND t.evidence = row.was
    ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE resolution SET evidence = held.sealed, evidence_key_id = $1
FROM held WHERE resolution.id = held.a AND resolution.evidence = held.was
RETURNING resolution.id

-- name: to_reseal_prepared
SELECT t.provider AS a, t.rail_key AS b, t.prepared AS sealed, t.prepared_key_id AS key_id,
    (SELECT secret.salt FROM payout JOIN player_secret AS secret USING (player_id)
     WHERE payout.id = left(t.rail_key, 32)::uuid) AS salt
FROM submission AS t
WHERE (t.provider, t.rail_key) > ($3::text, $4::text)
    AND t.prepared IS NOT NULL AND t.prepared_key_id IS DISTINCT FROM $1
ORDER BY t.provider, t.rail_key LIMIT $2

-- name: reseal_prepared
WITH held AS (
    SELECT row.a, row.b, row.was, row.sealed
    FROM submission AS t JOIN unnest($2::text[], $3::text[], $4::bytea[], $5::bytea[]) AS row (a, b, was, sealed)
        ON t.provider = row.a AND t.rail_key = row.b AND t.prepared = row.was
    ORDER BY t.provider, t.rail_key FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE submission SET prepared = held.sealed, prepared_key_id = $1
FROM held WHERE submission.provider = held.a AND submission.rail_key = held.b AND submission.prepared = held.was
RETURNING submission.provider, submission.rail_key

-- name: to_reseal_resume
SELECT t.provider AS a, t.rail_key AS b, t.resume AS sealed, t.resume_key_id AS key_id,
    (SELECT secret.salt FROM payout JOIN player_secret AS secret USING (player_id)
     WHERE payout.id = left(t.rail_key, 32)::uuid) AS salt
FROM submission AS t
WHERE (t.provider, t.rail_key) > ($3::text, $4::text)
    AND t.resume IS NOT NULL AND t.resume_key_id IS DISTINCT FROM $1
ORDER BY t.provider, t.rail_key LIMIT $2

-- name: reseal_resume
WITH held AS (
    SELECT row.a, row.b, row.was, row.sealed
    FROM submission AS t JOIN unnest($2::text[], $3::text[], $4::bytea[], $5::bytea[]) AS row (a, b, was, sealed)
        ON t.provider = row.a AND t.rail_key = row.b AND t.resume = row.was
    ORDER BY t.provider, t.rail_key FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE submission SET resume = held.sealed, resume_key_id = $1
FROM held WHERE submission.provider = held.a AND submission.rail_key = held.b AND submission.resume = held.was
RETURNING submission.provider, submission.rail_key

-- name: to_reseal_webhook_bodies
SELECT t.id AS a, t.body AS sealed, t.body_key_id AS key_id,
    (SELECT secret.salt FROM player_secret AS secret WHERE secret.player_id = t.player_id) AS salt
FROM webhook_inbox AS t
WHERE (t.id) > ($3::uuid)
    AND t.body IS NOT NULL AND t.body_key_id IS DISTINCT FROM $1
ORDER BY t.id LIMIT $2

-- name: reseal_webhook_bodies
WITH held AS (
    SELECT row.a, row.was, row.sealed
    FROM webhook_inbox AS t JOIN unnest($2::uuid[], $3::bytea[], $4::bytea[]) AS row (a, was, sealed)
        ON t.id = row.a AND t.body = row.was
    ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE webhook_inbox SET body = held.sealed, body_key_id = $1
FROM held WHERE webhook_inbox.id = held.a AND webhook_inbox.body = held.was
RETURNING webhook_inbox.id

-- name: to_reseal_webhook_observations
SELECT t.id AS a, t.observations AS sealed, t.observations_key_id AS key_id,
    NULL::bytea AS salt
FROM webhook_inbox AS t
WHERE (t.id) > ($3::uuid)
    AND t.observations IS NOT NULL AND t.observations_key_id IS DISTINCT FROM $1
ORDER BY t.id LIMIT $2

-- name: reseal_webhook_observations
WITH held AS (
    SELECT row.a, row.was, row.sealed
    FROM webhook_inbox AS t JOIN unnest($2::uuid[], $3::bytea[], $4::bytea[]) AS row (a, was, sealed)
        ON t.id = row.a AND t.observations = row.was
    ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE webhook_inbox SET observations = held.sealed, observations_key_id = $1
FROM held WHERE webhook_inbox.id = held.a AND webhook_inbox.observations = held.was
RETURNING webhook_inbox.id

-- name: to_reseal_operators
SELECT t.id AS a, t.totp_ciphertext AS sealed, t.totp_key_id AS key_id, NULL::bytea AS salt
FROM operator AS t
WHERE (t.id) > ($3::uuid) AND t.totp_ciphertext IS NOT NULL AND t.totp_key_id IS DISTINCT FROM $1
ORDER BY t.id LIMIT $2

-- name: reseal_operators
WITH held AS (
    SELECT row.a, row.was, row.sealed
    FROM operator AS t JOIN unnest($2::uuid[], $3::bytea[], $4::bytea[]) AS row (a, was, sealed)
        ON t.id = row.a AND t.totp_ciphertext = row.was
    ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE operator SET totp_ciphertext = held.sealed, totp_key_id = $1
FROM held WHERE operator.id = held.a AND operator.totp_ciphertext = held.was
RETURNING operator.id

-- name: to_reseal_values
SELECT t.payout_id AS a, t.attempt_no AS b, t.sealed, t.key_id,
    (SELECT secret.salt FROM payout JOIN player_secret AS secret USING (player_id)
     WHERE payout.id = t.payout_id) AS salt
FROM bearer_value AS t
WHERE (t.payout_id, t.attempt_no) > ($3::uuid, $4::int)
    AND length(t.sealed) > 0 AND t.key_id <> $1
ORDER BY t.payout_id, t.attempt_no LIMIT $2

-- name: reseal_values
WITH held AS (
    SELECT row.a, row.b, row.was, row.sealed
    FROM bearer_value AS t JOIN unnest($2::uuid[], $3::int[], $4::bytea[], $5::bytea[]) AS row (a, b, was, sealed)
        ON t.payout_id = row.a AND t.attempt_no = row.b AND t.sealed = row.was
    ORDER BY t.payout_id, t.attempt_no FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE bearer_value SET sealed = held.sealed, key_id = $1
FROM held WHERE bearer_value.payout_id = held.a AND bearer_value.attempt_no = held.b AND bearer_value.sealed = held.was
RETURNING bearer_value.payout_id, bearer_value.attempt_no
