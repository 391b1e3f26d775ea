-- name: keep_values
-- What a rail handed over for these attempts; the first word counts.
INSERT INTO bearer_value (payout_id, attempt_no, sealed, key_id)
SELECT payout_id, attempt_no, sealed, $4
FROM unnest($1::uuid[], $2::int[], $3::bytea[]) AS row (payout_id, attempt_no, sealed)
ORDER BY payout_id, attempt_no
ON CONFLICT (payout_id, attempt_no) DO NOTHING

-- name: ask_for_values
-- These attempts are settled and their rail has not handed over what they bought: it is asked ever more rarely, up to hourly.
UPDATE attempt AS a SET
    sync_due_at = rr_now() + LEAST(3600, 5 * power(1.6, LEAST(a.syncs, 40))) * interval '1 second'
FROM unnest($1::uuid[], $2::int[]) AS wanted (payout_id, attempt_no)
WHERE a.payout_id = wanted.payout_id AND a.attempt_no = wanted.attempt_no AND a.state = 'settled'
    AND NOT EXISTS (SELECT FROM bearer_value AS v WHERE v.payout_id = a.payout_id AND v.attempt_no = a.attempt_no)

-- name: value_of_payout
-- The value by which a payout was paid, and how often it was given out. One of another attempt is nobody's until people looked.
SELECT v.payout_id, v.attempt_no, v.sealed, v.key_id, v.created_at AS ready_at, secret.salt, last.actor AS revealed_to,
    last.created_at AS revealed_at, COALESCE(last.number, 0) AS reveals,
    (SELECT count(*) FROM bearer_reissue AS again
     WHERE again.payout_id = v.payout_id AND again.attempt_no = v.attempt_no)::int AS reissues
FROM payout AS p
JOIN attempt AS a ON a.payout_id = p.id AND a.state = 'settled'
JOIN bearer_value AS v ON v.payout_id = a.payout_id AND v.attempt_no = a.attempt_no
LEFT JOIN LATERAL (
    SELECT number, actor, created_at FROM bearer_reveal AS seen
    WHERE seen.payout_id = v.payout_id AND seen.attempt_no = v.attempt_no ORDER BY number DESC LIMIT 1
) AS last ON true
LEFT JOIN player_secret AS secret ON secret.player_id = p.player_id
WHERE p.id = $1 AND p.state = 'paid'
ORDER BY v.created_at, v.attempt_no LIMIT 1

-- name: reveals_of_late
-- How often this actor was given a value in the last minute.
SELECT count(*) FROM bearer_reveal WHERE actor = $1 AND created_at > rr_now() - interval '1 minute'

-- name: insert_reveal
INSERT INTO bearer_reveal (payout_id, attempt_no, number, actor) VALUES ($1, $2, $3, $4)

-- name: insert_reissue
INSERT INTO bearer_reissue (payout_id, attempt_no, number, actor, reason) VALUES ($1, $2, $3, $4, $5)

-- name: erase_values
UPDATE bearer_value SET sealed = '' FROM payout
WHERE bearer_value.payout_id = payout.id AND payout.player_id = ANY ($1::text[]) AND bearer_value.sealed <> ''
