-- name: insert_payouts
INSERT INTO payout (id, campaign, reward_id, player_id, pool_id, asset, amount, fee_ceiling, reserved, jurisdiction,
    destination_kind, destination_ciphertext, destination_key_id, destination_digest, content_digest, provider, state,
    hold_cause, batch_id, quote_id, quote_expires_at, address_digest, code, counted_as, recheck_at,
    legal_approval_id, recipient_digest, version, due_at, created_by)
SELECT id, campaign, reward_id, player_id, pool_id, asset, amount, fee_ceiling, amount + fee_ceiling, jurisdiction,
    destination_kind, destination_ciphertext, destination_key_id, destination_digest, content_digest, provider, state,
    hold_cause, batch_id, quote_id, quote_expires_at, address_digest, code, counted_as, recheck_at,
    legal_approval_id, recipient_digest, 1, rr_now(), $20
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::numeric[], $8::numeric[],
    $9::text[], $10::text[], $11::bytea[], $12::text[], $13::bytea[], $14::bytea[], $15::text[], $16::text[],
    $17::text[], $18::uuid[], $19::uuid[], $21::timestamptz[], $22::bytea[], $23::text[], $24::jsonb[], $25::timestamptz[],
    $26::uuid[], $27::bytea[])
    AS row (id, campaign, reward_id, player_id, pool_id, asset, amount, fee_ceiling, jurisdiction, destination_kind,
        destination_ciphertext, destination_key_id, destination_digest, content_digest, provider, state, hold_cause,
        batch_id, quote_id, quote_expires_at, address_digest, code, counted_as, recheck_at, legal_approval_id,
        recipient_digest)
ORDER BY campaign, reward_id
ON CONFLICT (campaign, reward_id) DO NOTHING
RETURNING id

-- name: payouts_by_reward
SELECT payout.id, payout.campaign, payout.reward_id, payout.content_digest, payout.state
FROM payout JOIN unnest($1::text[], $2::text[]) AS wanted (campaign, reward_id) USING (campaign, reward_id)

-- name: delete_unreserved_payouts
DELETE FROM payout WHERE id = ANY ($1::uuid[])

-- name: lock_available
SELECT pool_id, balance FROM lock_available($1::uuid[])

-- name: insert_transfers
INSERT INTO transfer (id, pool_id, kind, debit, credit, amount, payout_id, payout_version, reference, actor)
SELECT id, pool_id, kind, debit, credit, amount, payout_id, payout_version, reference, $10
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::uuid[], $8::int[], $9::text[])
    AS row (id, pool_id, kind, debit, credit, amount, payout_id, payout_version, reference)

-- name: record_events
INSERT INTO event (subject_id, version, type, data, actor, origin, before_digest, after_digest)
SELECT subject_id, version, type, data::jsonb, $5, origin, before_digest, after_digest
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $6::text[], $7::bytea[], $8::bytea[])
    AS row (subject_id, version, type, data, origin, before_digest, after_digest)

-- name: lock_payouts
SELECT id, state, version, amount, reserved, fee_ceiling, tries, last_attempt_no, pool_id, campaign, reward_id, provider,
    asset, destination_digest, hold_cause, jurisdiction, destination_kind, player_id, created_by, address_digest,
    recipient_digest, content_digest, destination_ciphertext, destination_key_id, counted_as, legal_approval_id, batch_id,
    (SELECT pool.name FROM pool WHERE pool.id = payout.pool_id) AS pool,
    (SELECT secret.salt FROM player_secret AS secret WHERE secret.player_id = payout.player_id) AS salt,
    (SELECT a.attempt_no FROM attempt a WHERE a.payout_id = payout.id AND a.state IN ('sending', 'accepted', 'unknown'))
        AS live_attempt_no
FROM payout WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE

-- name: read_attempts
SELECT a.payout_id, a.attempt_no, a.provider, a.state, a.fence, a.sends, a.provider_reference, a.submission_key,
    s.content_digest AS sent_digest
FROM attempt a
JOIN unnest($1::uuid[], $2::int[]) AS wanted (payout_id, attempt_no) USING (payout_id, attempt_no)
JOIN submission s ON s.provider = a.provider AND s.rail_key = a.submission_key

-- name: attempts_by_provider_reference
SELECT provider_reference, payout_id, attempt_no FROM attempt
WHERE provider = $1 AND provider_reference = ANY ($2::text[])

-- name: write_moves
-- The one writer of a payout's state: a row whose version has moved on is not touched, and only rows that were touched
-- get transfers and events.
WITH step AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::int[],
        $8::numeric[], $9::text[], $10::text[], $11::text[], $19::text[])
        AS s (payout_id, version, to_state, code, hold_cause, due_in, spent_tries, fee, event_type, event_data, provider,
            from_state)
), moved AS (
    UPDATE payout SET state = step.to_state, version = payout.version + 1, code = step.code,
        hold_cause = step.hold_cause, tries = payout.tries + step.spent_tries, fee = COALESCE(step.fee, payout.fee),
        provider = COALESCE(step.provider, payout.provider),
        reserved = CASE WHEN step.to_state IN ('paid', 'failed', 'canceled', 'returned') THEN 0
                        ELSE payout.amount + payout.fee_ceiling END,
        due_at = rr_now() + step.due_in * interval '1 second', updated_at = rr_now()
    FROM step WHERE payout.id = step.payout_id AND payout.version = step.version
    RETURNING payout.id, payout.version, payout.pool_id, step.event_type, step.event_data,
        payout_digest(step.from_state, payout.amount, payout.destination_digest, payout.content_digest) AS before_digest,
        payout_digest(step.to_state, payout.amount, payout.destination_digest, payout.content_digest) AS after_digest
), posted AS (
    INSERT INTO transfer (id, pool_id, kind, debit, credit, amount, payout_id, payout_version, actor)
    SELECT row.id, moved.pool_id, row.kind, row.debit, row.credit, row.amount, moved.id, moved.version, $12
    FROM moved JOIN unnest($13::uuid[], $14::uuid[], $15::text[], $16::text[], $17::text[], $18::numeric[])
        AS row (id, payout_id, kind, debit, credit, amount) ON row.payout_id = moved.id
), told AS (
    INSERT INTO event (subject_id, version, type, data, actor, origin, before_digest, after_digest)
    SELECT id, version, event_type, event_data::jsonb, $12, $20, before_digest, after_digest FROM moved ORDER BY id
)
SELECT id, version FROM moved

-- name: write_attempts
UPDATE attempt SET state = row.state, code = row.code, lease_until = NULL, updated_at = rr_now(),
    provider_reference = COALESCE(NULLIF(row.provider_reference, ''), attempt.provider_reference),
    sync_due_at = rr_now() + row.sync_in * interval '1 second'
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::float8[])
    AS row (payout_id, attempt_no, state, code, provider_reference, sync_in)
WHERE attempt.payout_id = row.payout_id AND attempt.attempt_no = row.attempt_no

-- name: insert_observations
INSERT INTO observation (id, payout_id, attempt_no, provider, source, status, effect, code, provider_code,
    provider_reference, evidence, evidence_key_id, actor)
SELECT id, payout_id, attempt_no, provider, source, status, effect, code, provider_code, provider_reference, evidence,
    CASE WHEN evidence IS NOT NULL THEN $12 END, $13
FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::bytea[])
    AS row (id, payout_id, attempt_no, provider, source, status, effect, code, provider_code, provider_reference, evidence)
ON CONFLICT (payout_id, id) DO NOTHING

-- name: correct_destination
-- It is counted again under its new destination, and whoever approved or let pass the old one has not done so with this one.
WITH void AS (DELETE FROM sign_off WHERE payout_id = $1),
    no_lifts AS (UPDATE gate_lift SET voided_at = rr_now() WHERE payout_id = $1 AND voided_at IS NULL)
UPDATE payout SET destination_ciphertext = $3, destination_key_id = $4, destination_digest = $5, content_digest = $6,
    address_digest = $7, recipient_digest = $9, destination_by = $8, counted_as = NULL, legal_approval_id = NULL,
    version = version + 1, updated_at = rr_now()
WHERE id = $1 AND version = $2
RETURNING version, payout_digest(state, amount, destination_digest, content_digest) AS after_digest

-- name: next_version_of_payout
-- Something was noted about it that changes nothing it says.
UPDATE payout SET version = version + 1, updated_at = rr_now() WHERE id = $1
RETURNING version, payout_digest(state, amount, destination_digest, content_digest) AS digest

-- name: payout_state
SELECT state FROM payout WHERE id = $1

-- name: set_route
-- What the rail may charge is known only now: it is set aside with the route.
UPDATE payout SET provider = $2, fee_ceiling = $3::numeric, reserved = amount + $3::numeric, version = version + 1, updated_at = rr_now()
WHERE id = $1 AND provider IS NULL
RETURNING version, payout_digest(state, amount, destination_digest, content_digest) AS digest
