-- name: lock_seal
SELECT position, chain_hash FROM event_seal FOR UPDATE SKIP LOCKED

-- name: unsealed_events
-- Events no running transaction can still precede. Those of one payout come in the order of its versions, because `n` is
-- drawn under the payout's row lock. A transaction that began early may have written a version on top of one by a younger
-- transaction that must still wait: then both wait.
SELECT n, transaction_id::text::bigint AS transaction_id, subject_id, version, type, data::text AS data, actor, origin, outcome,
    code, before_digest, after_digest, (extract(epoch FROM created_at) * 1000000)::bigint AS created_us
FROM (
    SELECT * FROM event WHERE position IS NULL AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY n LIMIT $1) AS event
-- OFFSET keeps this an index look-up for each event, however many wait.
WHERE NOT EXISTS (
    SELECT 1 FROM event AS before WHERE before.subject_id = event.subject_id AND before.version < event.version
        AND before.transaction_id >= pg_snapshot_xmin(pg_current_snapshot()) OFFSET 0)
ORDER BY n

-- name: seal_events
UPDATE event SET position = row.position, chain_hash = row.chain_hash
FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS row (n, position, chain_hash)
WHERE event.n = row.n AND event.position IS NULL

-- name: advance_seal
UPDATE event_seal SET position = $1, chain_hash = $2, sealed_at = rr_now()

-- name: queue_deliveries
INSERT INTO delivery (endpoint, position, subject_id)
SELECT endpoint, position, subject_id
FROM unnest($1::text[]) AS endpoint CROSS JOIN unnest($2::bigint[], $3::uuid[]) AS row (position, subject_id)
ON CONFLICT DO NOTHING

-- name: sealed_log
-- Everything that is chained, as it stands now. Infinity has no microseconds, so a moment is taken into the years we know.
SELECT position, chain_hash, n, transaction_id::text::bigint AS transaction_id, subject_id, version, type, data::text AS data,
    actor, origin, outcome, code, before_digest, after_digest,
    (extract(epoch FROM least(greatest(created_at, '0001-01-01Z'), '9999-12-31Z')) * 1000000)::bigint AS created_us
FROM event WHERE position > $1 AND position <= $3 ORDER BY position LIMIT $2

-- name: log_head
-- Where the sealed log ends, and the chain hash that stands at one earlier position.
SELECT position, chain_hash, (SELECT event.chain_hash FROM event WHERE event.position = $1) AS hash_there,
    (SELECT min(event.position) FROM event) AS first_row, (SELECT max(event.position) FROM event) AS last_row
FROM event_seal

-- name: unsigned_since
-- How many events are sealed behind a checkpoint's position, and how long the first of them has stood there.
SELECT event_seal.position - $1 AS events,
    COALESCE((SELECT extract(epoch FROM rr_now() - created_at)::float8 FROM event WHERE position = $1 + 1), 0) AS oldest_seconds
FROM event_seal

-- name: payouts_and_their_last_digests
-- A page of payouts by id, each with whether an event tells of it, and what the last event that changed it says it became.
SELECT page.id, page.state, page.amount, page.destination_digest, page.content_digest, last.after_digest,
    EXISTS (SELECT FROM event WHERE event.subject_id = page.id) AS is_told
FROM (SELECT * FROM payout WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2) AS page
LEFT JOIN LATERAL (
    SELECT after_digest FROM event WHERE subject_id = page.id AND after_digest IS NOT NULL ORDER BY version DESC LIMIT 1
) AS last ON true
ORDER BY page.id

-- name: payout_removed
-- A payout which the log tells of and which is not there.
SELECT subject_id FROM event
WHERE version = 1 AND type LIKE 'payout.%' AND NOT EXISTS (SELECT FROM payout WHERE payout.id = event.subject_id)
ORDER BY position LIMIT 1

-- name: oldest_unsealed
-- The event that waits longest for its seal, and one that claims a transaction which has not begun: it would wait for ever.
SELECT (SELECT extract(epoch FROM rr_now() - min(created_at))::float8 FROM event WHERE position IS NULL) AS seconds,
    (SELECT min(n) FROM event WHERE position IS NULL AND transaction_id >= pg_snapshot_xmax(pg_current_snapshot())) AS of_nobody

-- name: record_refusal
-- At most $6 for one actor, action and minute: the subject stands for all three; the last says that there may be more. At
-- most $7 of them about one object.
INSERT INTO event (subject_id, version, type, data, actor, origin, outcome, code)
SELECT $1, count(*) + 1, 'action.refused', $2::jsonb || CASE WHEN count(*) = $6 - 1 THEN '{"more": true}' ELSE '{}' END::jsonb,
    $3, $4, 'refused', $5
FROM event WHERE subject_id = $1
HAVING count(*) < $6 AND count(*) FILTER (WHERE data ->> 'object' IS NOT DISTINCT FROM $2::jsonb ->> 'object') < $7
ON CONFLICT DO NOTHING RETURNING version

-- name: seal_state
SELECT position, chain_hash,
    (SELECT count(*) FROM event WHERE event.position IS NULL) AS waiting,
    (SELECT extract(epoch FROM rr_now() - min(created_at))::float8 FROM event WHERE event.position IS NULL) AS lag_seconds
FROM event_seal

-- name: claim_deliveries
-- Due deliveries of one endpoint, never a later event of a payout while an earlier one is open. Taking one makes it due
-- again after $3 seconds, should this process go away.
WITH picked AS (
    SELECT d.position FROM delivery d
    WHERE d.endpoint = $1 AND d.delivered_at IS NULL AND d.given_up_at IS NULL AND d.due_at <= rr_now()
      -- First of its payout's open ones, by the index in that order: a mere NOT EXISTS, planned while the table was small,
      -- read every open delivery for each.
      AND d.position = (
          SELECT o.position FROM delivery o WHERE o.endpoint = d.endpoint AND o.subject_id = d.subject_id
            AND o.delivered_at IS NULL AND o.given_up_at IS NULL
          ORDER BY o.endpoint, o.subject_id, o.position LIMIT 1)
    ORDER BY d.due_at, d.position LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
    UPDATE delivery d SET tries = d.tries + 1, due_at = rr_now() + $3::float8 * interval '1 second'
    FROM picked WHERE d.endpoint = $1 AND d.position = picked.position
    RETURNING d.position, d.tries
)
SELECT taken.position, taken.tries, event.n, event.subject_id, event.version, event.type, event.data::text AS data,
    event.created_at, p.campaign, p.reward_id, p.player_id, p.asset, p.amount::text AS amount_minor, p.fee::text AS fee_minor,
    pool.exponent::int AS exponent
FROM taken JOIN event ON event.position = taken.position
JOIN payout p ON p.id = event.subject_id JOIN pool ON pool.id = p.pool_id
ORDER BY taken.position

-- name: note_deliveries
UPDATE delivery SET http_status = row.http_status, error = row.error,
    delivered_at = CASE WHEN row.retry_in = 0 THEN rr_now() END,
    given_up_at = CASE WHEN row.retry_in < 0 THEN rr_now() END,
    due_at = CASE WHEN row.retry_in > 0 THEN rr_now() + row.retry_in * interval '1 second' ELSE delivery.due_at END
FROM unnest($2::bigint[], $3::int[], $4::text[], $5::float8[]) AS row (position, http_status, error, retry_in)
WHERE delivery.endpoint = $1 AND delivery.position = row.position AND delivery.delivered_at IS NULL

-- name: delivery_lag
SELECT endpoint, count(*) AS open, extract(epoch FROM rr_now() - min(event.created_at))::float8 AS oldest_seconds
FROM delivery JOIN event USING (position) WHERE delivered_at IS NULL AND given_up_at IS NULL GROUP BY endpoint
