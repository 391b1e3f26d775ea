-- name: list_payouts
SELECT payout.*, (SELECT secret.salt FROM player_secret AS secret WHERE secret.player_id = payout.player_id) AS salt FROM payout
WHERE ($1::uuid IS NULL OR id < $1) AND ($3::text IS NULL OR state = $3) AND ($4::text IS NULL OR campaign = $4)
  AND ($5::text IS NULL OR provider = $5) AND ($6::text IS NULL OR player_id = $6)
  AND ($7::text IS NULL OR reward_id = $7) AND ($8::uuid IS NULL OR id IN (SELECT payout_id FROM batch_row WHERE batch_id = $8))
  AND ($9::text IS NULL OR created_by = $9)
ORDER BY id DESC LIMIT $2

-- name: payouts_by_id
SELECT payout.*, (SELECT secret.salt FROM player_secret AS secret WHERE secret.player_id = payout.player_id) AS salt FROM payout WHERE id = ANY ($1::uuid[])

-- name: attempts_of
SELECT attempt_no, provider, submission_key AS rail_key, state::text AS state, sends, provider_reference, code,
    created_at, updated_at
FROM attempt WHERE payout_id = $1 ORDER BY attempt_no

-- name: observations_of
-- What a provider said is nobody's to read here; what a person said is.
SELECT id, attempt_no, source, status, effect, code, provider_code, provider_reference, actor, created_at,
    CASE WHEN source = 'operator' THEN evidence END AS evidence, evidence_key_id
FROM observation WHERE payout_id = $1 ORDER BY id

-- name: events_of
SELECT position, subject_id, version, type, data::text AS data, actor, created_at
FROM event WHERE subject_id = $1 ORDER BY version

-- name: sealed_events
SELECT position, subject_id, version, type, data::text AS data, actor, created_at
FROM event WHERE position > $1 AND ($3::uuid IS NULL OR subject_id = $3) ORDER BY position LIMIT $2

-- name: payouts_by_state
SELECT state::text AS state, asset, count(*) AS payouts FROM payout GROUP BY state, asset ORDER BY state, asset

-- name: queue_figures
-- What waits, and how long the oldest of it has waited.
SELECT queue, waiting, COALESCE(extract(epoch FROM rr_now() - since), 0)::float8 AS oldest_seconds FROM (
    SELECT 'outbox' AS queue, count(*) AS waiting, min(created_at) AS since FROM event WHERE position IS NULL
    UNION ALL SELECT 'webhook_inbox', count(*), min(received_at) FROM webhook_inbox WHERE state = 'waiting'
    UNION ALL SELECT 'webhook_quarantine', count(*), min(received_at) FROM webhook_inbox WHERE state = 'quarantined'
    UNION ALL SELECT 'outcome_unknown', count(*), min(updated_at) FROM payout WHERE state = 'outcome_unknown'
    UNION ALL SELECT 'held', count(*), min(updated_at) FROM payout WHERE state = 'held'
    UNION ALL SELECT 'batches_starting', count(*), min(created_at) FROM batch WHERE state = 'starting') AS queues
