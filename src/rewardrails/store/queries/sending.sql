-- name: ensure_provider_state
INSERT INTO provider_state (name, tokens) SELECT name, $2 FROM unnest($1::text[]) AS name ON CONFLICT DO NOTHING

-- name: lock_provider
-- A statement of its own: what is counted afterwards must be counted in a snapshot taken once the lock is held.
SELECT name FROM provider_state WHERE name = $1 FOR UPDATE

-- name: wait_for_claims
-- The last statement of a transaction that stops something: claims under way end before it does, later ones see what it wrote.
SELECT name FROM provider_state ORDER BY name FOR UPDATE

-- name: take_budget
-- How many payouts this provider may be handed now: none while paused or its breaker is open, one as a probe after it was
-- open, otherwise what its rate and its orders in flight leave free. Its row is locked already: claims of one
-- provider follow each other, and no other provider notices. $1 provider, $2 wanted, $3 in flight at most, $4 rate a second or
-- null, $5 burst, $6 seconds until the next probe.
WITH here AS (
    SELECT name, failures, closed_until,
        LEAST($5::float8, tokens + COALESCE($4::float8, 0) * extract(epoch FROM rr_now() - refilled_at)) AS tokens
    FROM provider_state WHERE name = $1
), free AS (
    SELECT here.*, CASE
        WHEN EXISTS (SELECT 1 FROM pause WHERE lifted_at IS NULL AND stops = 'sending'
                     AND (scope = 'everything' OR (scope = 'provider' AND subject = $1))) THEN 0
        WHEN closed_until > rr_now() THEN 0
        ELSE GREATEST(0, LEAST(
            CASE WHEN closed_until IS NOT NULL THEN 1 ELSE $2::int END,
            $3::int - (SELECT count(*) FROM attempt WHERE provider = $1 AND state = 'sending')::int,
            CASE WHEN $4::float8 IS NULL THEN $2::int ELSE floor(here.tokens)::int END)) END AS granted
    FROM here
)
UPDATE provider_state SET tokens = free.tokens - CASE WHEN $4::float8 IS NULL THEN 0 ELSE free.granted END,
    refilled_at = rr_now(),
    closed_until = CASE WHEN free.granted > 0 AND free.closed_until IS NOT NULL
                        THEN rr_now() + $6::float8 * interval '1 second' ELSE provider_state.closed_until END
FROM free WHERE provider_state.name = free.name
RETURNING free.granted

-- name: seconds_left_in_day
SELECT extract(epoch FROM date_trunc('day', rr_now(), 'UTC') + interval '1 day' - rr_now())::float8

-- name: return_budget
UPDATE provider_state SET tokens = tokens + $2 WHERE name = $1

-- name: pick_ready
-- Ready payouts of one provider in the order they fall due, locked, as the gates see them; none in the assets of $3.
SELECT id, state, version, campaign, reward_id, player_id, asset, amount, jurisdiction, provider, destination_kind,
    destination_ciphertext, destination_key_id, address_digest, recipient_digest, content_digest, created_by, counted_as,
    legal_approval_id, batch_id, fee_ceiling, (SELECT pool.name FROM pool WHERE pool.id = p.pool_id) AS pool,
    (SELECT secret.salt FROM player_secret AS secret WHERE secret.player_id = p.player_id) AS salt
FROM payout p
WHERE p.provider = $1 AND p.state = 'ready' AND p.due_at <= rr_now() AND p.asset <> ALL ($3::text[])
  AND NOT EXISTS (SELECT 1 FROM pause WHERE lifted_at IS NULL AND stops = 'sending'
                  AND ((scope = 'campaign' AND subject = p.campaign) OR (scope = 'player' AND subject = p.player_id)))
ORDER BY p.due_at, p.id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED

-- name: claimed_to_judge
-- Payouts that are on their way out, as the gates see them, and whether sending them is paused by now.
SELECT id, state, version, campaign, reward_id, player_id, asset, amount, jurisdiction, provider, destination_kind,
    destination_ciphertext, destination_key_id, address_digest, recipient_digest, content_digest, created_by, counted_as,
    legal_approval_id, batch_id, fee_ceiling, (SELECT pool.name FROM pool WHERE pool.id = p.pool_id) AS pool,
    (SELECT secret.salt FROM player_secret AS secret WHERE secret.player_id = p.player_id) AS salt,
    EXISTS (SELECT 1 FROM pause WHERE lifted_at IS NULL AND stops = 'sending' AND (scope = 'everything'
        OR (scope = 'provider' AND subject = p.provider) OR (scope = 'campaign' AND subject = p.campaign)
        OR (scope = 'player' AND subject = p.player_id))) AS paused
FROM payout p WHERE id = ANY ($1::uuid[]) AND state = 'submitting'

-- name: claim_ready
-- Takes ready payouts ($2), locked by this transaction, and stores the attempt of each before anything is sent. A payout
-- that still has a live attempt (its absence was proved) goes out again under the very same key. $1 provider, $3 worker,
-- $4 lease in seconds, $5 dedupe window in seconds or null, $6 seconds a resend needs to be inside the window.
WITH picked AS (
    SELECT id FROM payout WHERE id = ANY ($2::uuid[]) AND state = 'ready'
), found AS (
    SELECT picked.id, live.* FROM picked LEFT JOIN LATERAL (
        SELECT a.attempt_no, s.prepared, s.resume, s.prepared_key_id, s.resume_key_id,
            s.expires_at IS NULL OR s.expires_at > rr_now() + $6::float8 * interval '1 second' AS in_window
        FROM attempt a JOIN submission s ON s.provider = a.provider AND s.rail_key = a.submission_key
        WHERE a.payout_id = picked.id AND a.state IN ('sending', 'accepted', 'unknown')
        -- OFFSET keeps this one look-up for each payout; else the planner may read every live attempt for every claim.
        OFFSET 0) AS live ON true
), moved AS (
    UPDATE payout SET state = 'submitting', version = version + 1, code = NULL, updated_at = rr_now(),
        last_attempt_no = COALESCE(found.attempt_no, payout.last_attempt_no + 1)
    FROM found WHERE payout.id = found.id AND found.in_window IS NOT FALSE
    RETURNING payout.*, found.attempt_no IS NOT NULL AS resend, found.prepared, found.resume, found.prepared_key_id,
        found.resume_key_id,
        replace(payout.id::text, '-', '') || '-' || payout.last_attempt_no AS rail_key
), submitted AS (
    INSERT INTO submission (provider, rail_key, content_digest, expires_at)
    SELECT $1, rail_key, content_digest, rr_now() + $5::float8 * interval '1 second' FROM moved WHERE NOT resend ORDER BY id
), tried AS (
    INSERT INTO attempt (payout_id, attempt_no, provider, submission_key, state, leased_by, lease_until)
    SELECT id, last_attempt_no, $1, rail_key, 'sending', $3, rr_now() + $4::float8 * interval '1 second'
    FROM moved WHERE NOT resend ORDER BY id
), resent AS (
    UPDATE attempt SET state = 'sending', fence = fence + 1, sends = sends + 1, sent_at = rr_now(), leased_by = $3,
        lease_until = rr_now() + $4::float8 * interval '1 second', sync_due_at = NULL, updated_at = rr_now()
    FROM moved WHERE moved.resend AND attempt.payout_id = moved.id AND attempt.attempt_no = moved.last_attempt_no
    RETURNING attempt.payout_id, attempt.fence, attempt.sends
), told AS (
    INSERT INTO event (subject_id, version, type, data, actor, origin, before_digest, after_digest)
    SELECT id, version, 'payout.submitting', jsonb_build_object('attempt', last_attempt_no, 'from', 'ready'), $3, 'worker',
        payout_digest('ready', amount, destination_digest, content_digest),
        payout_digest('submitting', amount, destination_digest, content_digest)
    FROM moved ORDER BY id
)
SELECT moved.id, moved.last_attempt_no AS attempt_no, moved.campaign, moved.player_id, moved.jurisdiction, moved.asset,
    moved.amount, moved.fee_ceiling, moved.quote_expires_at < rr_now() AS quote_lapsed, moved.prepared, moved.resume,
    moved.prepared_key_id, moved.resume_key_id,
    COALESCE(resent.fence, 1) AS fence, COALESCE(resent.sends, 1) AS sends
FROM moved LEFT JOIN resent ON resent.payout_id = moved.id ORDER BY moved.due_at, moved.id

-- name: lapsed_resends
-- Ready payouts that may only be sent under their old key, whose key the rail no longer remembers for long enough.
SELECT p.id FROM payout p
JOIN attempt a ON a.payout_id = p.id AND a.state = 'unknown'
JOIN submission s ON s.provider = a.provider AND s.rail_key = a.submission_key
WHERE p.provider = $1 AND p.state = 'ready' AND p.due_at <= rr_now()
  AND s.expires_at <= rr_now() + $2::float8 * interval '1 second'
LIMIT 500

-- name: store_prepared
UPDATE submission SET prepared = row.prepared, expires_at = COALESCE(row.expires_at, submission.expires_at),
    prepared_key_id = $5
FROM unnest($2::text[], $3::bytea[], $4::timestamptz[]) AS row (rail_key, prepared, expires_at)
WHERE submission.provider = $1 AND submission.rail_key = row.rail_key AND submission.prepared IS NULL
RETURNING submission.rail_key

-- name: store_resume
UPDATE submission SET resume = $3, resume_key_id = $7 FROM attempt a
WHERE submission.provider = $1 AND submission.rail_key = $2
  AND a.payout_id = $4 AND a.attempt_no = $5 AND a.fence = $6 AND a.state = 'sending'
RETURNING 1

-- name: claim_expired
-- Attempts whose worker went away between storing them and telling the result: a new fence, so that the old worker's
-- word no longer moves anything.
WITH picked AS (
    SELECT payout_id, attempt_no FROM attempt
    WHERE provider = $1 AND state = 'sending' AND lease_until < rr_now()
    ORDER BY lease_until LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE attempt a SET fence = a.fence + 1, leased_by = $3, lease_until = rr_now() + $4::float8 * interval '1 second',
    updated_at = rr_now()
FROM picked JOIN payout p ON p.id = picked.payout_id
WHERE a.payout_id = picked.payout_id AND a.attempt_no = picked.attempt_no
RETURNING a.payout_id, a.attempt_no, a.fence, a.sends, a.provider_reference, p.asset, p.amount,
    extract(epoch FROM rr_now() - a.sent_at)::float8 AS sent_seconds_ago

-- name: ask_soon
-- The rail has more to say of these attempts. One that is being sent hears it from the call.
UPDATE attempt SET sync_due_at = rr_now()
FROM unnest($1::uuid[], $2::int[]) AS row (payout_id, attempt_no)
WHERE attempt.payout_id = row.payout_id AND attempt.attempt_no = row.attempt_no
  AND attempt.state IN ('accepted', 'unknown', 'settled')

-- name: claim_to_sync
-- What is under way is asked about ever more rarely; what is paid, now and then until money can no longer come back ($5).
WITH picked AS (
    SELECT payout_id, attempt_no FROM attempt
    WHERE provider = $1 AND sync_due_at <= rr_now() AND state <> 'sending'
    ORDER BY sync_due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE attempt a SET syncs = a.syncs + 1,
    sync_due_at = CASE
        WHEN a.state <> 'settled'
            THEN rr_now() + LEAST($4::float8, $3::float8 * power(1.6, LEAST(a.syncs, 40))) * interval '1 second'
        WHEN a.updated_at + $5::float8 * interval '1 second' > rr_now()
            THEN rr_now() + $5::float8 / 8 * interval '1 second' END
FROM picked JOIN payout p ON p.id = picked.payout_id
WHERE a.payout_id = picked.payout_id AND a.attempt_no = picked.attempt_no
RETURNING a.payout_id, a.attempt_no, a.fence, a.sends, a.provider_reference, p.asset, p.amount,
    extract(epoch FROM rr_now() - a.sent_at)::float8 AS sent_seconds_ago,
    a.state = 'settled' AND EXISTS (SELECT FROM bearer_value AS v WHERE v.payout_id = a.payout_id
        AND v.attempt_no = a.attempt_no) AS has_value

-- name: note_provider_results
-- One word per batch of calls: any answer from the provider closes its breaker; failures in a row open it.
UPDATE provider_state SET
    failures = CASE WHEN $2 THEN 0 ELSE LEAST(failures + $3::int, 1000000) END,
    closed_until = CASE
        WHEN $2 THEN NULL
        WHEN failures + $3::int >= $4::int THEN rr_now() + $5::float8 * interval '1 second'
        ELSE closed_until END,
    last_code = CASE WHEN $3::int > 0 THEN $6 ELSE last_code END,
    last_ok_at = CASE WHEN $2 THEN rr_now() ELSE last_ok_at END,
    last_fail_at = CASE WHEN $3::int > 0 THEN rr_now() ELSE last_fail_at END
WHERE name = $1 AND ($3::int > 0 OR failures > 0 OR closed_until IS NOT NULL
    OR last_ok_at IS NULL OR last_ok_at < rr_now() - interval '5 seconds')
RETURNING failures, closed_until

-- name: attempts_open_to_resend
-- A key that went out ten times and is still unknown there is for people.
SELECT a.payout_id, a.attempt_no,
    a.sends < 10 AND (s.expires_at IS NULL OR s.expires_at > rr_now() + $4::float8 * interval '1 second') AS in_window
FROM attempt a
JOIN unnest($1::uuid[], $2::int[], $3::int[]) AS wanted (payout_id, attempt_no, fence) USING (payout_id, attempt_no)
JOIN submission s ON s.provider = a.provider AND s.rail_key = a.submission_key
WHERE a.state IN ('sending', 'unknown') AND (wanted.fence IS NULL OR a.fence = wanted.fence)
  AND (wanted.fence IS NOT NULL OR a.state = 'unknown')

-- name: silent_attempts
-- Those of these attempts of which nothing was heard for $3 seconds, however often the rail was asked.
SELECT wanted.payout_id, wanted.attempt_no FROM unnest($1::uuid[], $2::int[]) AS wanted (payout_id, attempt_no)
WHERE NOT EXISTS (
    SELECT 1 FROM observation o WHERE o.payout_id = wanted.payout_id AND o.attempt_no = wanted.attempt_no
        AND o.status <> 'unknown' AND o.created_at > rr_now() - $3::float8 * interval '1 second')

-- name: park_attempts
-- A live attempt that waits for its payout to be sent again, or for people.
UPDATE attempt SET state = 'unknown', lease_until = NULL, updated_at = rr_now(),
    sync_due_at = CASE WHEN payout.state = 'outcome_unknown' THEN rr_now() + interval '60 seconds' END
FROM unnest($1::uuid[], $2::int[]) AS row (payout_id, attempt_no) JOIN payout ON payout.id = row.payout_id
WHERE attempt.payout_id = row.payout_id AND attempt.attempt_no = row.attempt_no
