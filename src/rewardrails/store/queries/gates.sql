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
INSERT INTO address_use (recipient_digest, player_id)
SELECT DISTINCT recipient_digest, player_id FROM unnest($1::bytea[], $2::text[]) AS row (recipient_digest, player_id)
ORDER BY recipient_digest, player_id ON CONFLICT DO NOTHING

-- name: forget_new_uses
-- Of these, those that this very transaction noted.
DELETE FROM address_use USING unnest($1::bytea[], $2::text[]) AS row (recipient_digest, player_id)
WHERE address_use.recipient_digest = row.recipient_digest AND address_use.player_id = row.player_id
  AND address_use.xmin = pg_current_xact_id()::xid

-- name: gate_facts
-- Everything the gates go by, for a whole batch: row 0 is what holds for all of it, row n is about the n-th payout.
SELECT 0 AS n, json_build_object(
    'now', rr_now(),
    'approvals', (SELECT json_agg(json_build_object('id', id, 'provider_type', provider_type, 'adapter', adapter,
            'assets', assets, 'jurisdictions', jurisdictions, 'campaigns', campaigns, 'max_total', max_total::text,
            'max_per_player', max_per_player::text, 'valid_from', valid_from, 'valid_until', valid_until)
            ORDER BY valid_until, id)
        FROM legal_approval
        WHERE confirmed_at IS NOT NULL AND revoked_at IS NULL AND valid_until > rr_now()),
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
    'screenings', (SELECT json_object_agg(screener, json_build_object('screening', result, 'expires_at', expires_at,
            'reason', reason))
        FROM screening WHERE address_digest = about.address_digest),
    'address', (SELECT json_build_object('first_seen_at', first_seen_at, 'proved_at', proved_at)
        FROM address_use WHERE recipient_digest = about.recipient_digest AND player_id = about.player_id),
    -- More than anybody allows is as much as need be counted.
    'players', (SELECT count(*) FROM (
        SELECT FROM address_use WHERE recipient_digest = about.recipient_digest LIMIT 1000) AS counted),
    'destinations', (SELECT count(*) FROM (
        SELECT FROM address_use WHERE player_id = about.player_id LIMIT 1000) AS counted),
    'sign_offs', (SELECT json_agg(approver) FROM sign_off
        WHERE payout_id = about.payout_id AND content_digest = about.content_digest),
    'held_by', (SELECT json_agg(gate) FROM hold WHERE payout_id = about.payout_id AND closed_at IS NULL),
    'lifted', (SELECT json_object_agg(gate, severity) FROM gate_lift
        WHERE payout_id = about.payout_id AND content_digest = about.content_digest AND voided_at IS NULL),
    'batch_total', (SELECT amount::text FROM batch_total WHERE batch_id = about.batch_id AND asset = about.asset)
)::text
FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[], $6::uuid[], $7::text[]) WITH ORDINALITY
    AS about (payout_id, player_id, address_digest, recipient_digest, content_digest, batch_id, asset, n)

-- name: mark_counted
UPDATE payout SET counted_as = row.counted_as, legal_approval_id = row.legal_approval_id
FROM unnest($1::uuid[], $2::uuid[], $3::jsonb[]) AS row (id, legal_approval_id, counted_as) WHERE payout.id = row.id

-- name: open_holds
-- Whatever a person let pass at a gate that stops it all the same is an open question again.
WITH void AS (
    UPDATE gate_lift SET voided_at = rr_now() FROM unnest($1::uuid[], $2::text[]) AS row (payout_id, gate)
    WHERE gate_lift.payout_id = row.payout_id AND split_part(gate_lift.gate, ':', 1) = row.gate AND voided_at IS NULL
)
INSERT INTO hold (payout_id, gate, code, why, owner, opened_by, deadline_at)
SELECT payout_id, gate, code, why, owner, $7, rr_now() + $6::float8 * interval '1 second'
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
-- What a person overruled has its reason with the lift.
SELECT payout_id, gate, code, why, owner, opened_by, opened_at, deadline_at, closed_at, closed_by,
    COALESCE(reason, (SELECT gate_lift.reason FROM gate_lift
                      WHERE gate_lift.payout_id = hold.payout_id AND split_part(gate_lift.gate, ':', 1) = hold.gate
                        AND gate_lift.lifted_by = hold.closed_by ORDER BY lifted_at DESC LIMIT 1)) AS reason
FROM hold WHERE payout_id = $1 ORDER BY opened_at, gate

-- name: list_open_holds
-- $1 to $3: the last one already seen. $4: whose turn it is. $5: overdue, or not yet. Null leaves each open.
SELECT hold.payout_id, hold.gate, hold.code, hold.why, hold.owner, hold.opened_by, hold.opened_at, hold.deadline_at,
    COALESCE(hold.deadline_at < rr_now(), false) AS overdue, payout.campaign, payout.player_id, payout.provider, payout.asset,
    payout.amount AS amount_minor
FROM hold JOIN payout ON payout.id = hold.payout_id
WHERE hold.closed_at IS NULL AND payout.state NOT IN ('paid', 'failed', 'canceled', 'returned')
  AND ($1::timestamptz IS NULL OR (hold.opened_at, hold.payout_id, hold.gate) > ($1, $2::uuid, $3::text))
  AND ($4::text IS NULL OR hold.owner = $4)
  AND ($5::boolean IS NULL OR COALESCE(hold.deadline_at < rr_now(), false) = $5)
ORDER BY hold.opened_at, hold.payout_id, hold.gate LIMIT $6

-- name: open_holds_by_gate
SELECT gate, count(*) AS holds, count(*) FILTER (WHERE deadline_at < rr_now()) AS overdue
FROM hold JOIN payout ON payout.id = hold.payout_id
WHERE hold.closed_at IS NULL AND payout.state NOT IN ('paid', 'failed', 'canceled', 'returned')
GROUP BY gate ORDER BY gate

-- name: insert_lifts
-- `gate` is a gate, with what it was about where that is one of several (`limits:player-day#...`).
INSERT INTO gate_lift (payout_id, gate, content_digest, severity, reason, lifted_by)
SELECT $1, gate, $2, severity, $5, $6 FROM unnest($3::text[], $4::int[]) AS row (gate, severity)
ON CONFLICT (payout_id, gate, content_digest) DO UPDATE SET severity = EXCLUDED.severity, reason = EXCLUDED.reason,
    lifted_by = EXCLUDED.lifted_by, lifted_at = rr_now(), voided_at = NULL

-- name: payout_authors
-- Everybody who had a hand in what a payout says now: who asked for it, who staged its file, who corrected its destination.
SELECT payout.id, array_remove(ARRAY[payout.created_by, payout.destination_by, batch.created_by], NULL) AS authors
FROM payout LEFT JOIN batch ON batch.id = payout.batch_id WHERE payout.id = ANY ($1::uuid[])

-- name: hands_in
-- Of each payout, stored already or not: who staged its file, and who corrected its destination.
SELECT array_remove(ARRAY[batch.created_by, payout.destination_by], NULL) AS hands
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS about (payout_id, batch_id, n)
LEFT JOIN batch ON batch.id = about.batch_id LEFT JOIN payout ON payout.id = about.payout_id ORDER BY n

-- name: insert_sign_offs
-- Keeps the word of $3 for each payout, locked by this transaction; answers those for which it is new, at their next version.
WITH made AS (
    INSERT INTO sign_off (payout_id, content_digest, approver)
    SELECT payout_id, content_digest, $3 FROM unnest($1::uuid[], $2::bytea[]) AS row (payout_id, content_digest)
    ORDER BY payout_id ON CONFLICT DO NOTHING RETURNING payout_id
)
UPDATE payout SET version = version + 1, updated_at = rr_now() FROM made WHERE payout.id = made.payout_id
RETURNING payout.id AS payout_id, payout.version, payout.content_digest,
    payout_digest(state, amount, destination_digest, content_digest) AS digest

-- name: note_batch_totals
-- Also what is refused for now and taken up again by the next start: a total never shrinks by being paid in parts.
INSERT INTO batch_total (batch_id, asset, amount)
SELECT batch_id, asset, sum(amount) FROM batch_row
WHERE batch_id = $1 AND (verdict = 'accepted' OR code IN ('pool_exhausted', 'payouts_paused')) GROUP BY batch_id, asset
ON CONFLICT (batch_id, asset) DO UPDATE SET amount = EXCLUDED.amount

-- name: held_by_people
SELECT DISTINCT payout_id FROM hold
WHERE closed_at IS NULL AND payout_id = ANY ($1::uuid[]) AND gate IN ('operator', 'no_route', 'quote_expired')

-- name: close_holds_by_people
UPDATE hold SET closed_at = rr_now(), closed_by = $2, reason = $3
WHERE closed_at IS NULL AND payout_id = $1 AND gate IN ('operator', 'no_route', 'quote_expired')

-- name: open_gates
SELECT gate, opened_by FROM hold WHERE closed_at IS NULL AND payout_id = $1

-- name: accepting_pauses
SELECT scope, subject FROM pause WHERE lifted_at IS NULL AND stops = 'accepting'

-- name: payout_for_gates
SELECT id, state, version, code, campaign, player_id, asset, amount, jurisdiction, provider, destination_kind,
    destination_ciphertext, destination_key_id, address_digest, recipient_digest, content_digest, created_by, counted_as,
    legal_approval_id, batch_id, fee_ceiling, (SELECT pool.name FROM pool WHERE pool.id = payout.pool_id) AS pool,
    (SELECT secret.salt FROM player_secret AS secret WHERE secret.player_id = payout.player_id) AS salt
FROM payout WHERE id = $1

-- name: insert_legal_approval
INSERT INTO legal_approval (id, provider_type, adapter, assets, jurisdictions, campaigns, max_total, max_per_player,
    valid_from, valid_until, document_reference, document_sha256, recorded_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING *

-- name: lock_legal_approval
SELECT * FROM legal_approval WHERE id = $1 FOR UPDATE

-- name: confirm_legal_approval
UPDATE legal_approval SET confirmed_by = $2, confirmed_at = rr_now() WHERE id = $1 RETURNING *

-- name: revoke_legal_approval
UPDATE legal_approval SET revoked_by = $2, revoked_at = rr_now(), revoke_reason = $3 WHERE id = $1 RETURNING *

-- name: legal_approvals
SELECT * FROM legal_approval ORDER BY id DESC

-- name: upsert_player_checks
INSERT INTO player_check (player_id, kind, result, age, reference, expires_at, recorded_by)
SELECT player_id, kind, result, age, reference, expires_at, $7
FROM unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::text[], $6::timestamptz[])
    AS row (player_id, kind, result, age, reference, expires_at)
ORDER BY player_id, kind
ON CONFLICT (player_id, kind) DO UPDATE SET result = EXCLUDED.result, age = EXCLUDED.age, reference = EXCLUDED.reference,
    expires_at = EXCLUDED.expires_at, recorded_by = EXCLUDED.recorded_by, recorded_at = rr_now()

-- name: upsert_player_risks
INSERT INTO player_risk (player_id, score, reasons, expires_at, recorded_by)
SELECT player_id, score, string_to_array(reasons, E'\x1f'), expires_at, $5
FROM unnest($1::text[], $2::smallint[], $3::text[], $4::timestamptz[]) AS row (player_id, score, reasons, expires_at)
ORDER BY player_id
ON CONFLICT (player_id) DO UPDATE SET score = EXCLUDED.score, reasons = EXCLUDED.reasons,
    expires_at = EXCLUDED.expires_at, recorded_by = EXCLUDED.recorded_by, recorded_at = rr_now()

-- name: supersede_list
UPDATE address_list SET superseded_at = rr_now() WHERE name = $1 AND superseded_at IS NULL RETURNING id, kind, dated

-- name: not_ended_on_list
-- Payouts of which a list ($1) names the destination, and that nobody has paid yet or only people can.
SELECT payout.id FROM address_list_entry AS entry JOIN payout ON payout.address_digest = entry.address_digest
WHERE entry.list_id = $1 AND (payout.state IN ('held', 'awaiting_approval', 'ready')
    OR (payout.state = 'pending' AND payout.provider = ANY ($2::text[])))

-- name: insert_list
INSERT INTO address_list (id, name, kind, source, dated, sha256, entries, loaded_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING id, name, kind, source, dated, sha256, entries, loaded_by, loaded_at

-- name: insert_list_entries
INSERT INTO address_list_entry (list_id, address_digest) SELECT $1, digest FROM unnest($2::bytea[]) AS digest

-- name: current_lists
SELECT id, name, kind, source, dated, sha256, entries, loaded_by, loaded_at
FROM address_list WHERE superseded_at IS NULL ORDER BY name

-- name: upsert_screenings
INSERT INTO screening (address_digest, screener, result, reference, expires_at, reason)
SELECT address_digest, screener, result, reference, rr_now() + lasts * interval '1 second', reason
FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::text[])
    AS row (address_digest, screener, result, reference, lasts, reason)
ORDER BY address_digest, screener
ON CONFLICT (address_digest, screener) DO UPDATE SET result = EXCLUDED.result, reference = EXCLUDED.reference,
    expires_at = EXCLUDED.expires_at, reason = EXCLUDED.reason, recorded_at = rr_now()

-- name: note_proof
INSERT INTO address_use (recipient_digest, player_id, proved_at, proof) VALUES ($1, $2, rr_now(), $3)
ON CONFLICT (recipient_digest, player_id) DO UPDATE SET proved_at = rr_now(), proof = EXCLUDED.proof

-- name: waiting_totals
-- The digest of a batch is made of what `approval_digest` is made of.
SELECT pool.name AS pool, payout.asset, payout.provider, count(*)::int AS payouts, sum(payout.amount) AS amount_minor,
    (SELECT balance FROM account WHERE account.pool_id = pool.id AND account.name = 'reserved')::numeric AS pool_reserved_minor,
    (SELECT balance - under_way - (claimed - claimed_then) FROM provider_float AS held
        WHERE held.provider = payout.provider AND held.asset = payout.asset) AS provider_float,
    CASE WHEN $1::uuid IS NOT NULL THEN encode(sha256(string_agg(
        payout.content_digest || convert_to(payout.fee_ceiling || '/' || COALESCE(payout.provider, ''), 'UTF8'),
        ''::bytea ORDER BY payout.id)), 'hex') END AS digest
FROM payout JOIN pool ON pool.id = payout.pool_id
WHERE payout.state = 'awaiting_approval' AND ($1::uuid IS NULL OR payout.batch_id = $1)
GROUP BY pool.id, pool.name, payout.asset, payout.provider ORDER BY pool.name, payout.provider

-- name: waiting_of_batch
SELECT id FROM payout WHERE state = 'awaiting_approval' AND batch_id = $1 ORDER BY id

-- name: set_rates
INSERT INTO rate (asset, value, dated, source, set_by)
SELECT asset, value, $3, $4, $5 FROM unnest($1::text[], $2::numeric[]) AS row (asset, value) ORDER BY asset
ON CONFLICT (asset) DO UPDATE SET value = EXCLUDED.value, dated = EXCLUDED.dated, source = EXCLUDED.source,
    set_by = EXCLUDED.set_by, set_at = rr_now() WHERE rate.dated <= EXCLUDED.dated

-- name: rates
SELECT asset, value::text AS value, dated, source, set_by, set_at FROM rate ORDER BY asset
