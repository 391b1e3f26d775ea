-- name: insert_batch
INSERT INTO batch (id, name, format, state, created_by) VALUES ($1, $2, $3, 'staging', $4)

-- name: read_batch
SELECT id, name, format, state, rows_staged, bytes_staged, prefix_digest, content_digest, started_to, created_by,
    created_at, started_by FROM batch WHERE id = $1

-- name: list_batches
SELECT id, name, format, state, rows_staged, bytes_staged, prefix_digest, content_digest, started_to, created_by,
    created_at, started_by FROM batch WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2

-- name: stage_rows
-- A row's reward belongs to its payout if there is one, else to the first accepted row of this batch. The owner's content
-- again is a replay; other content is refused.
WITH row AS (
    SELECT * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::numeric[], $11::text[], $12::text[], $13::bytea[], $14::bytea[], $15::bytea[])
        AS r (row_no, reward_id, code, field, message, campaign, player_id, asset, amount, jurisdiction,
            destination_kind, destination_ciphertext, destination_digest, content_digest)
), judged AS (
    SELECT row.row_no, payout.id AS payout_id,
        COALESCE(payout.content_digest, earlier.content_digest, first_value(row.content_digest) OVER same)
            = row.content_digest AS same_content,
        payout.id IS NULL AND earlier.row_no IS NULL AND row_number() OVER same = 1 AS claims
    FROM row
    LEFT JOIN payout ON payout.campaign = row.campaign AND payout.reward_id = row.reward_id
    LEFT JOIN batch_row AS earlier ON earlier.batch_id = $1 AND earlier.campaign = row.campaign
        AND earlier.reward_id = row.reward_id AND earlier.verdict = 'accepted'
    WHERE row.code IS NULL
    WINDOW same AS (PARTITION BY row.campaign, row.reward_id ORDER BY row.row_no)
)
INSERT INTO batch_row (batch_id, row_no, reward_id, verdict, code, field, message, payout_id, campaign, player_id, asset,
    amount, jurisdiction, destination_kind, destination_ciphertext, destination_key_id, destination_digest, content_digest)
SELECT $1, row.row_no, row.reward_id,
    CASE WHEN judged.claims THEN 'accepted' WHEN judged.same_content THEN 'replayed' ELSE 'refused' END,
    CASE WHEN row.code IS NOT NULL THEN row.code
         WHEN NOT judged.claims AND NOT judged.same_content THEN 'idempotency_key_reused' END,
    CASE WHEN row.code IS NOT NULL THEN row.field
         WHEN NOT judged.claims AND NOT judged.same_content THEN 'reward_id' END,
    CASE WHEN row.code IS NOT NULL THEN row.message
         WHEN NOT judged.claims AND NOT judged.same_content THEN 'this reward stands above with other content' END,
    judged.payout_id, row.campaign, row.player_id, row.asset, row.amount, row.jurisdiction, row.destination_kind,
    row.destination_ciphertext, CASE WHEN row.code IS NULL THEN $16 END, row.destination_digest, row.content_digest
FROM row LEFT JOIN judged USING (row_no) ORDER BY row.row_no

-- name: note_staged
UPDATE batch SET rows_staged = $2, bytes_staged = $3, prefix_digest = $4 WHERE id = $1 AND state = 'staging' RETURNING id

-- name: finish_staging
UPDATE batch SET state = 'staged', content_digest = $2 WHERE id = $1 AND state = 'staging' RETURNING id

-- name: batch_by_content
SELECT id FROM batch WHERE content_digest = $1

-- name: delete_batch_rows
DELETE FROM batch_row WHERE batch_id = $1

-- name: delete_batch
DELETE FROM batch WHERE id = $1 AND state = 'staging' RETURNING id

-- name: batch_needs
-- What the rows that are not payouts yet will ask of each campaign's pools.
SELECT campaign, asset, count(*) AS rows, sum(amount) AS amount FROM batch_row
WHERE batch_id = $1 AND payout_id IS NULL AND (verdict = 'accepted' OR code = 'pool_exhausted')
GROUP BY campaign, asset ORDER BY campaign, asset

-- name: begin_start
UPDATE batch SET state = 'starting', started_by = $2, started_to = 0
WHERE id = $1 AND state IN ('staged', 'started', 'starting') RETURNING id

-- name: next_batch_to_start
SELECT id, started_to, started_by FROM batch WHERE state = 'starting' AND ($1::uuid IS NULL OR id = $1)
ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED

-- name: rows_to_start
SELECT row_no, reward_id, campaign, player_id, asset, amount, jurisdiction, destination_kind, destination_ciphertext,
    destination_key_id, destination_digest, content_digest
FROM batch_row
WHERE batch_id = $1 AND row_no > $2 AND payout_id IS NULL AND (verdict = 'accepted' OR code = 'pool_exhausted')
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
