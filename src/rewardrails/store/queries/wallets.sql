-- name: anything_to_be_screened
SELECT EXISTS (
    SELECT FROM hold JOIN payout ON payout.id = hold.payout_id
    LEFT JOIN screening AS known ON known.address_digest = payout.address_digest AND known.screener = $1
    WHERE hold.closed_at IS NULL AND hold.gate = 'screening' AND payout.state = 'held'
      AND payout.destination_kind = ANY ($2::text[]) AND payout.address_digest IS NOT NULL
      AND (known.expires_at IS NULL OR known.expires_at <= rr_now()))

-- name: to_be_screened
-- One payout for each destination that a screener ($1) must be asked about and whose answer is missing or no longer counts;
-- those never asked about come first. $2: kinds of destination that ask for it. Of very many it looks at 2000 payouts.
SELECT destination_ciphertext, destination_key_id, salt FROM (
    SELECT DISTINCT ON (address_digest) destination_ciphertext, destination_key_id, salt, recorded_at FROM (
        SELECT payout.address_digest, payout.destination_ciphertext, payout.destination_key_id, secret.salt,
            known.recorded_at
        FROM hold JOIN payout ON payout.id = hold.payout_id
        JOIN player_secret AS secret ON secret.player_id = payout.player_id AND secret.salt IS NOT NULL
        LEFT JOIN screening AS known ON known.address_digest = payout.address_digest AND known.screener = $1
        WHERE hold.closed_at IS NULL AND hold.gate = 'screening' AND payout.state = 'held'
          AND payout.destination_kind = ANY ($2::text[]) AND payout.address_digest IS NOT NULL
          AND (known.expires_at IS NULL OR known.expires_at <= rr_now())
        LIMIT 2000) AS few
    ORDER BY address_digest) AS waiting
ORDER BY recorded_at NULLS FIRST LIMIT $3

-- name: screener_failures
SELECT COALESCE((SELECT failures FROM screener_state WHERE name = $1), 0)

-- name: take_screener_turn
-- Whoever gets a row back asks; the turn lapses after $2 seconds.
INSERT INTO screener_state AS state (name, next_at) VALUES ($1, rr_now() + $2::float8 * interval '1 second')
ON CONFLICT (name) DO UPDATE SET next_at = EXCLUDED.next_at WHERE state.next_at <= rr_now()
RETURNING failures

-- name: end_screener_turn
-- An answer takes one failure back: batches grow again as carefully as they shrank. $3: seconds until the next turn.
UPDATE screener_state SET next_at = rr_now() + $3::float8 * interval '1 second',
    failures = CASE WHEN $2 THEN GREATEST(0, failures - 1) ELSE LEAST(failures + 1, 1000) END
WHERE name = $1

-- name: judge_addresses_again
UPDATE payout SET recheck_at = rr_now() WHERE state = 'held' AND address_digest = ANY ($1::bytea[])

-- name: screeners_waiting
-- Per screener: destinations of held payouts on which it could not tell, and its failures in a row.
SELECT state.name AS screener, state.failures,
    (SELECT count(*) FROM screening AS known WHERE known.screener = state.name AND known.result = 'unknown'
        AND EXISTS (SELECT FROM payout WHERE payout.state = 'held' AND payout.address_digest = known.address_digest))
        AS unanswered,
    (SELECT reason FROM screening AS known WHERE known.screener = state.name AND known.result = 'unknown'
        ORDER BY recorded_at DESC LIMIT 1) AS last_reason
FROM screener_state AS state ORDER BY state.name

-- name: insert_challenge
INSERT INTO ownership_challenge (id, player_id, kind, recipient_digest, proof, domain, nonce, expires_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, rr_now() + $8::float8 * interval '1 second', $9)
RETURNING player_id, proof, domain, nonce, expires_at

-- name: read_challenge
SELECT player_id, proof, domain, nonce, expires_at FROM ownership_challenge WHERE id = $1

-- name: lock_challenge
SELECT player_id, kind, recipient_digest, proof, domain, nonce, expires_at, used_at, expires_at <= rr_now() AS expired
FROM ownership_challenge WHERE id = $1 FOR UPDATE

-- name: use_challenge
UPDATE ownership_challenge SET used_at = rr_now() WHERE id = $1

-- name: forget_old_challenges
DELETE FROM ownership_challenge WHERE expires_at < rr_now() - $1::int * interval '1 day'

-- name: ensure_floats
INSERT INTO provider_float (provider, asset, minimum, cap)
SELECT $1, asset, minimum, cap FROM unnest($2::text[], $3::numeric[], $4::numeric[]) AS row (asset, minimum, cap)
ORDER BY asset ON CONFLICT (provider, asset) DO UPDATE SET minimum = EXCLUDED.minimum, cap = EXCLUDED.cap

-- name: read_floats
-- What is left of each float: what the provider said, less everything it may not have known of then.
SELECT asset, balance::text AS balance, balance - under_way - (claimed - claimed_then) AS free,
    extract(epoch FROM rr_now() - known_at)::float8 AS age_seconds, failures
FROM provider_float WHERE provider = $1 AND asset = ANY ($2::text[])

-- name: claim_float
UPDATE provider_float SET claimed = claimed + row.amount
FROM unnest($2::text[], $3::numeric[]) AS row (asset, amount)
WHERE provider_float.provider = $1 AND provider_float.asset = row.asset

-- name: wait_for_float
-- Payouts that stay ready and are looked at again a little later, with the cause on them.
UPDATE payout SET code = 'insufficient_provider_funds', due_at = rr_now() + $2::float8 * interval '1 second'
WHERE id = ANY ($1::uuid[]) AND state = 'ready'

-- name: mark_short_of_float
UPDATE payout SET code = 'insufficient_provider_funds'
WHERE id IN (SELECT id FROM payout WHERE provider = $1 AND state = 'ready' AND asset = ANY ($2::text[])
             AND code IS DISTINCT FROM 'insufficient_provider_funds' LIMIT 5000 FOR NO KEY UPDATE SKIP LOCKED)

-- name: take_balance_turn
-- Whoever gets rows back asks the provider. $3: seconds until the next turn.
UPDATE provider_float SET next_ask_at = rr_now() + $3::float8 * interval '1 second'
WHERE provider = $1 AND asset = ANY ($2::text[]) AND next_ask_at <= rr_now() RETURNING asset

-- name: live_amounts
-- What is under way of each asset at a provider, with the most that may be charged on top. Of a payout that is ready again
-- it was proved that its money never left.
SELECT float.asset, rr_now() AS asked_at, float.claimed,
    COALESCE((SELECT sum(payout.amount + payout.fee_ceiling) FROM attempt JOIN payout ON payout.id = attempt.payout_id
              WHERE attempt.provider = $1 AND payout.asset = float.asset
                AND attempt.state IN ('sending', 'accepted', 'unknown') AND payout.state <> 'ready'), 0) AS under_way
FROM provider_float AS float WHERE float.provider = $1 AND float.asset = ANY ($2::text[])

-- name: note_balances
UPDATE provider_float SET balance = row.balance, known_at = row.asked_at, under_way = row.under_way,
    claimed_then = row.claimed, failures = 0
FROM unnest($2::text[], $3::numeric[], $4::timestamptz[], $5::numeric[], $6::numeric[])
    AS row (asset, balance, asked_at, under_way, claimed)
WHERE provider_float.provider = $1 AND provider_float.asset = row.asset
  AND (provider_float.known_at IS NULL OR provider_float.known_at < row.asked_at)

-- name: note_no_balance
UPDATE provider_float SET failures = LEAST(failures + 1, 1000) WHERE provider = $1 AND asset = ANY ($2::text[])

-- name: float_figures
SELECT provider, asset, minimum, cap, balance, balance - under_way - (claimed - claimed_then) AS free,
    COALESCE(extract(epoch FROM rr_now() - known_at), 0)::float8 AS age_seconds,
    (cap IS NOT NULL AND balance > cap)::int AS over_cap
FROM provider_float ORDER BY provider, asset
