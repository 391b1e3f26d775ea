-- name: name_counters
-- First, in a statement of its own: what another transaction has just named must be there to be locked.
INSERT INTO counter_lock (name) SELECT name FROM unnest($1::text[]) AS name ORDER BY name ON CONFLICT DO NOTHING

-- name: lock_counters
SELECT name FROM counter_lock WHERE name = ANY ($1::text[]) ORDER BY name FOR UPDATE

-- name: read_counters
-- A window is cut into 24 buckets, and the one that reaches out of it counts whole. $2: seconds, null for ever, 0 for the
-- calendar day (UTC).
SELECT wanted.name, sum(counter.count)::bigint AS count, sum(counter.amount) AS amount
FROM unnest($1::text[], $2::float8[]) AS wanted (name, seconds)
JOIN counter ON counter.name = wanted.name AND counter.bucket >= CASE
    WHEN seconds IS NULL THEN 'epoch'
    WHEN seconds = 0 THEN date_trunc('day', rr_now(), 'UTC')
    ELSE to_timestamp(floor(extract(epoch FROM rr_now()) / (seconds / 24)) * (seconds / 24) - seconds) END
GROUP BY wanted.name

-- name: add_to_counters
INSERT INTO counter (name, bucket, count, amount)
SELECT name, bucket, count(*), sum(amount)
FROM (
    SELECT name, amount, CASE
        WHEN seconds IS NULL THEN 'epoch'
        WHEN seconds = 0 THEN date_trunc('day', rr_now(), 'UTC')
        ELSE to_timestamp(floor(extract(epoch FROM rr_now()) / (seconds / 24)) * (seconds / 24)) END AS bucket
    FROM unnest($1::text[], $2::float8[], $3::numeric[]) AS row (name, seconds, amount)) AS added
GROUP BY name, bucket ORDER BY name, bucket
ON CONFLICT (name, bucket) DO UPDATE SET count = counter.count + EXCLUDED.count, amount = counter.amount + EXCLUDED.amount

-- name: forget_old_counters
DELETE FROM counter WHERE bucket > 'epoch' AND bucket < rr_now() - $1::int * interval '1 day'

-- name: note_addresses
INSERT INTO address_use (address_digest, player_id)
SELECT DISTINCT address_digest, player_id FROM unnest($1::bytea[], $2::text[]) AS row (address_digest, player_id)
ORDER BY address_digest, player_id ON CONFLICT DO NOTHING

-- name: gate_facts
-- Everything the gates go by, for a whole batch: row 0 is what holds for all of it, row n is about the n-th payout.
SELECT 0 AS n, json_build_object(
    'now', rr_now(),
    'approvals', (SELECT json_agg(json_build_object('id', id, 'provider_type', provider_type, 'adapter', adapter,
            'assets', assets, 'jurisdictions', jurisdictions, 'campaigns', campaigns, 'max_total', max_total::text,
            'max_per_player', max_per_player::text, 'valid_until', valid_until) ORDER BY valid_until, id)
        FROM legal_approval
        WHERE confirmed_at IS NOT NULL AND revoked_at IS NULL AND valid_from <= rr_now() AND valid_until > rr_now()),
    'lists', (SELECT json_agg(json_build_object('id', id, 'name', name, 'kind', kind, 'dated', dated) ORDER BY name)
        FROM address_list WHERE superseded_at IS NULL),
    'rates', (SELECT json_agg(json_build_object('asset', asset, 'value', value::text, 'dated', dated)) FROM rate)
)::text AS facts
UNION ALL
SELECT about.n, json_build_object(
    'checks', (SELECT json_object_agg(kind, json_build_object('result', result, 'expires_at', expires_at, 'age', age))
        FROM player_check WHERE player_id = about.player_id),
    'risk', (SELECT json_build_object('score', score, 'expires_at', expires_at)
        FROM player_risk WHERE player_id = about.player_id),
    'listed', (SELECT json_agg(list.id) FROM address_list AS list
        JOIN address_list_entry AS entry ON entry.list_id = list.id AND entry.address_digest = about.address_digest
        WHERE list.superseded_at IS NULL),
    'screenings', (SELECT json_object_agg(screener, json_build_object('screening', result, 'expires_at', expires_at))
        FROM screening WHERE address_digest = about.address_digest),
    'address', (SELECT json_build_object('first_seen_at', first_seen_at, 'proved_at', proved_at)
        FROM address_use WHERE address_digest = about.address_digest AND player_id = about.player_id),
    -- More than anybody allows is as much as need be counted.
    'players', (SELECT count(*) FROM (
        SELECT FROM address_use WHERE address_digest = about.address_digest LIMIT 1000) AS counted),
    'destinations', (SELECT count(*) FROM (
        SELECT FROM address_use WHERE player_id = about.player_id LIMIT 1000) AS counted),
    'sign_offs', (SELECT json_agg(approver) FROM sign_off
        WHERE payout_id = about.payout_id AND content_digest = about.content_digest),
    'lifted', (SELECT json_agg(gate) FROM gate_lift
        WHERE payout_id = about.payout_id AND content_digest = about.content_digest),
    'batch_total', (SELECT amount::text FROM batch_total WHERE batch_id = about.batch_id AND asset = about.asset)
)::text
FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[], $5::uuid[], $6::text[]) WITH ORDINALITY
    AS about (payout_id, player_id, address_digest, content_digest, batch_id, asset, n)

-- name: mark_counted
UPDATE payout SET counted = true WHERE id = ANY ($1::uuid[])

-- name: open_holds
INSERT INTO hold (payout_id, gate, code, why, owner, deadline_at)
SELECT payout_id, gate, code, why, owner, rr_now() + $6::float8 * interval '1 second'
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) AS row (payout_id, gate, code, why, owner)
ORDER BY payout_id, gate
ON CONFLICT (payout_id, gate) WHERE closed_at IS NULL DO UPDATE SET why = EXCLUDED.why, code = EXCLUDED.code

-- name: close_holds
-- Of each payout, all but the gates that still stop it ($2: payout, $3: gate).
UPDATE hold SET closed_at = rr_now(), closed_by = $4, reason = $5
WHERE closed_at IS NULL AND payout_id = ANY ($1::uuid[])
  AND NOT EXISTS (SELECT FROM unnest($2::uuid[], $3::text[]) AS still (payout_id, gate)
                  WHERE still.payout_id = hold.payout_id AND still.gate = hold.gate)

-- name: when_to_judge_again
UPDATE payout SET recheck_at = row.at FROM unnest($1::uuid[], $2::timestamptz[]) AS row (payout_id, at)
WHERE payout.id = row.payout_id

-- name: due_to_be_judged
SELECT id FROM payout WHERE state = 'held' AND recheck_at <= rr_now()
ORDER BY recheck_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED

-- name: judge_player_again
UPDATE payout SET recheck_at = rr_now() WHERE state = 'held' AND player_id = ANY ($1::text[])

-- name: judge_gate_again
UPDATE payout SET recheck_at = rr_now() WHERE state = 'held'
  AND id IN (SELECT payout_id FROM hold WHERE closed_at IS NULL AND gate = ANY ($1::text[]))

-- name: holds_of
SELECT payout_id, gate, code, why, owner, opened_at, deadline_at, closed_at, closed_by, reason
FROM hold WHERE payout_id = $1 ORDER BY opened_at, gate

-- name: insert_lifts
INSERT INTO gate_lift (payout_id, gate, content_digest, reason, lifted_by)
SELECT $1, gate, $2, $4, $5 FROM unnest($3::text[]) AS gate ON CONFLICT DO NOTHING

-- name: insert_sign_offs
INSERT INTO sign_off (payout_id, content_digest, approver)
SELECT payout_id, content_digest, $3 FROM unnest($1::uuid[], $2::bytea[]) AS row (payout_id, content_digest)
ORDER BY payout_id ON CONFLICT DO NOTHING RETURNING payout_id

-- name: note_batch_totals
INSERT INTO batch_total (batch_id, asset, amount)
SELECT batch_id, asset, sum(amount) FROM batch_row WHERE batch_id = $1 AND verdict = 'accepted' GROUP BY batch_id, asset
ON CONFLICT (batch_id, asset) DO UPDATE SET amount = EXCLUDED.amount

-- name: held_by_people
SELECT DISTINCT payout_id FROM hold
WHERE closed_at IS NULL AND payout_id = ANY ($1::uuid[]) AND gate IN ('operator', 'no_route', 'quote_expired')

-- name: close_holds_by_people
UPDATE hold SET closed_at = rr_now(), closed_by = $2, reason = $3
WHERE closed_at IS NULL AND payout_id = $1 AND gate IN ('operator', 'no_route', 'quote_expired')

-- name: open_gates
SELECT gate FROM hold WHERE closed_at IS NULL AND payout_id = $1

-- name: accepting_pauses
SELECT scope, subject FROM pause WHERE lifted_at IS NULL AND stops = 'accepting'
