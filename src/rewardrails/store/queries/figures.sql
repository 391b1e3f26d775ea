-- name: oldest_by_state
-- How many payouts stand in each state that is not an end, and how long the oldest has stood there.
SELECT state::text AS state, count(*) AS payouts,
    extract(epoch FROM rr_now() - min(updated_at))::float8 AS oldest_seconds
FROM payout WHERE state NOT IN ('paid', 'failed', 'canceled', 'returned') GROUP BY state ORDER BY state

-- name: waits_for_people
-- What goes on only when somebody does something: how many payouts, and how long the oldest has waited. $1: manual providers.
SELECT what, count(*) AS payouts, extract(epoch FROM rr_now() - min(since))::float8 AS oldest_seconds
FROM (
    SELECT state::text AS what, updated_at AS since FROM payout WHERE state IN ('held', 'awaiting_approval', 'failed', 'returned')
    UNION ALL SELECT 'manual', attempt.updated_at FROM attempt
        WHERE attempt.state = 'accepted' AND attempt.provider = ANY ($1::text[])) AS waiting
GROUP BY what ORDER BY what

-- name: waiting_by_provider
-- Payouts that want to be sent, by provider.
SELECT provider, count(*) AS payouts FROM payout WHERE state = 'ready' GROUP BY provider ORDER BY provider

-- name: unfinished_batches
-- Batches that wait for their file or for workers, and for how long.
SELECT id, name, state, rows_staged, started_to, extract(epoch FROM rr_now() - created_at)::float8 AS age_seconds
FROM batch WHERE state IN ('staging', 'starting') ORDER BY id

-- name: quarantined_webhooks
SELECT provider, COALESCE(code, '') AS code, count(*) AS notices FROM webhook_inbox
WHERE state = 'quarantined' GROUP BY provider, code ORDER BY provider, code

-- name: deliveries_given_up
SELECT endpoint, count(*) AS events FROM delivery WHERE given_up_at IS NOT NULL GROUP BY endpoint ORDER BY endpoint

-- name: payouts_by_state_and_provider
-- Of one batch, or of all.
SELECT state::text AS state, provider, count(*) AS payouts FROM payout
WHERE $1::uuid IS NULL OR batch_id = $1 GROUP BY state, provider

-- name: holds_ever_by_gate
SELECT gate, count(DISTINCT payout_id) AS payouts, count(*) FILTER (WHERE closed_at IS NULL) AS open
FROM hold GROUP BY gate ORDER BY gate

-- name: approved_by_two
SELECT count(*) FROM (
    SELECT payout_id FROM sign_off GROUP BY payout_id, content_digest HAVING count(DISTINCT approver) > 1) AS approved
