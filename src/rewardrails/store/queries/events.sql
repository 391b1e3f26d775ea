-- name: lock_seal
SELECT position, chain_hash FROM event_seal FOR UPDATE SKIP LOCKED

-- name: unsealed_events
-- Events no running transaction can still precede. Those of one payout come in the order of its versions, because `n` is
-- drawn under the payout's row lock. A transaction that began early may have written a version on top of one by a younger
-- transaction that must still wait: then both wait.
SELECT n, subject_id, type, created_at,
    sha256(convert_to(concat_ws(E'\x1f', subject_id, version, type, data::text, actor,
        extract(epoch FROM created_at)::text), 'UTF8')) AS leaf
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

-- name: chain
SELECT position, chain_hash,
    sha256(convert_to(concat_ws(E'\x1f', subject_id, version, type, data::text, actor,
        extract(epoch FROM created_at)::text), 'UTF8')) AS leaf
FROM event WHERE position > $1 ORDER BY position LIMIT $2

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
