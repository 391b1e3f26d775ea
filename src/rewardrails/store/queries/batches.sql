-- name: insert_batch
INSERT INTO batch (id, name, format, state, created_by) VALUES ($1, $2, $3, 'staging', $4)

-- name: read_batch
SELECT id, name, format, state, rows_staged, bytes_staged, prefix_digest, content_digest, started_to, created_by,
    created_at, started_by FROM batch WHERE id = $1

-- name: list_batches
SELECT id, name, format, state, rows_staged, bytes_staged, prefix_digest, content_digest, started_to, created_by,
    created_at, started_by FROM batch
WHERE ($1::uuid IS NULL OR id < $1) AND ($3::text IS NULL OR created_by = $3) ORDER BY id DESC LIMIT $2

-- name: stage_rows
-- A row's reward belongs to its payout if there is one, else to the first accepted row of this batch. The owner's content
-- again is a replay; other content is refused.
WITH row AS (
    SELECT * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::numeric[], $11::text[], $12::text[], $13::bytea[], $14::bytea[], $15::bytea[])
        AS r (row_no, reward_id, code, field, message, campaign, player_id, asset, amount, jurisdiction,
            destination_kind, destination_digest, content_digest, destination_ciphertext)
), judged AS (
    SELECT row.*, payout.id AS payout_id, row_number() OVER same = 1 AND payout.id IS NULL AND earlier.row_no IS NULL AS claims,
        COALESCE(payout.content_digest, earlier.content_digest, first_value(row.content_digest) OVER same)
            = row.content_digest AS same_content
    FROM row
    -- LIMIT keeps these index look-ups whatever the planner believes of a table that is growing right now.
    LEFT JOIN LATERAL (
        SELECT p.id, p.content_digest FROM payout p
        WHERE p.campaign = row.campaign AND p.reward_id = row.reward_id LIMIT 1) AS payout ON row.code IS NULL
    LEFT JOIN LATERAL (
        SELECT e.row_no, e.content_digest FROM batch_row e
        WHERE e.batch_id = $1 AND e.campaign = row.campaign AND e.reward_id = row.reward_id AND e.verdict = 'accepted'
        LIMIT 1) AS earlier ON row.code IS NULL
    WINDOW same AS (PARTITION BY row.campaign, row.reward_id, row.code IS NULL ORDER BY row.row_no)
), told AS (
    SELECT judged.*, CASE
        WHEN code IS NOT NULL OR NOT (claims OR same_content) THEN 'refused'
        WHEN claims THEN 'accepted' ELSE 'replayed' END AS verdict
    FROM judged
)
INSERT INTO batch_row (batch_id, row_no, reward_id, verdict, code, field, message, payout_id, campaign, player_id, asset,
    amount, jurisdiction, destination_kind, destination_ciphertext, destination_key_id, destination_digest, content_digest)
SELECT $1, row_no, reward_id, verdict,
    CASE WHEN verdict = 'refused' THEN COALESCE(code, 'idempotency_key_reused') END,
    CASE WHEN verdict = 'refused' THEN CASE WHEN code IS NULL THEN 'reward_id' ELSE field END END,
    CASE WHEN verdict = 'refused' THEN
        CASE WHEN code IS NULL THEN 'this reward is known with other content' ELSE message END END,
    payout_id, campaign, player_id, asset, amount, jurisdiction, destination_kind, destination_ciphertext,
    CASE WHEN destination_ciphertext IS NOT NULL THEN $16 END, destination_digest, content_digest
FROM told ORDER BY row_no

-- name: staged_so_far
SELECT state, rows_staged, prefix_digest, content_digest FROM batch WHERE id = $1

-- name: note_staged
-- Only onto the rows ($5) and bytes ($6) that this upload read before: two files never grow into one batch.
UPDATE batch SET rows_staged = $2, bytes_staged = $3, prefix_digest = $4
WHERE id = $1 AND state = 'staging' AND rows_staged = $5 AND prefix_digest IS NOT DISTINCT FROM $6 RETURNING id

-- name: finish_staging
UPDATE batch SET state = 'staged', content_digest = $2
WHERE id = $1 AND state = 'staging' AND rows_staged = $3 AND prefix_digest = $4 RETURNING created_by

-- name: batch_by_content
SELECT id FROM batch WHERE content_digest = $1

-- name: delete_batch_rows
DELETE FROM batch_row WHERE batch_id = $1

-- name: delete_batch
DELETE FROM batch WHERE id = $1 AND state = 'staging' RETURNING created_by

-- name: batch_needs
-- What the rows that are not payouts yet will ask of each campaign's pools.
SELECT campaign, asset, count(*) AS rows, sum(amount) AS amount FROM batch_row
WHERE batch_id = $1 AND payout_id IS NULL AND (verdict = 'accepted' OR code IN ('pool_exhausted', 'payouts_paused'))
GROUP BY campaign, asset ORDER BY campaign, asset

-- name: begin_start
UPDATE batch SET state = 'starting', started_by = $2, started_to = 0
WHERE id = $1 AND state IN ('staged', 'started', 'starting') RETURNING id

-- name: next_batch_to_start
SELECT id, started_to, started_by FROM batch WHERE state = 'starting' AND ($1::uuid IS NULL OR id = $1)
ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED

-- name: rows_to_start
SELECT row_no, reward_id, campaign, player_id, asset, amount, jurisdiction, destination_kind, destination_ciphertext,
    destination_key_id, destination_digest, content_digest,
    (SELECT secret.salt FROM player_secret AS secret WHERE secret.player_id = batch_row.player_id) AS salt
FROM batch_row
WHERE batch_id = $1 AND row_no > $2 AND payout_id IS NULL AND (verdict = 'accepted' OR code IN ('pool_exhausted', 'payouts_paused'))
ORDER BY row_no LIMIT $3

-- name: answer_rows
UPDATE batch_row SET verdict = row.verdict, payout_id = row.payout_id, code = row.code, message = row.message,
    field = NULL
FROM unnest($2::bigint[], $3::text[], $4::uuid[], $5::text[], $6::text[]) AS row (row_no, verdict, payout_id, code, message)
WHERE batch_row.batch_id = $1 AND batch_row.row_no = row.row_no

-- name: advance_start
UPDATE batch SET started_to = $2, state = $3 WHERE id = $1

-- name: batch_totals
SELECT verdict, code, asset, count(*) AS rows, COALESCE(sum(amount), 0) AS amount,
    count(payout_id) AS payouts
FROM batch_row WHERE batch_id = $1 GROUP BY verdict, code, asset ORDER BY verdict, code, asset

-- name: batch_payouts_by_state
SELECT payout.state::text AS state, payout.asset, count(*) AS payouts, sum(payout.amount) AS amount
FROM batch_row JOIN payout ON payout.id = batch_row.payout_id
WHERE batch_row.batch_id = $1 AND batch_row.verdict = 'accepted'
GROUP BY payout.state, payout.asset ORDER BY payout.state, payout.asset

-- name: batch_rows
SELECT row.row_no, row.reward_id, row.verdict, row.code, row.field, row.message, row.payout_id, row.asset, row.amount,
    payout.state::text AS state, payout.code AS payout_code
FROM batch_row AS row LEFT JOIN payout ON payout.id = row.payout_id
WHERE row.batch_id = $1 AND row.row_no > $2 ORDER BY row.row_no LIMIT $3
