-- name: bank_queue
-- The open queue of one provider as `manual_queue` shows it, with the last file each was put into, locked in the one order; at
-- most $2.
SELECT p.id, p.provider, p.campaign, p.reward_id, p.player_id, p.amount, p.asset, p.jurisdiction, p.destination_kind,
    p.destination_ciphertext, p.destination_key_id, p.content_digest, p.address_digest, p.recipient_digest, p.created_by,
    p.counted_as, p.legal_approval_id, p.batch_id, p.fee_ceiling, a.attempt_no,
    (SELECT pool.name FROM pool WHERE pool.id = p.pool_id) AS pool,
    EXISTS (SELECT 1 FROM pause WHERE lifted_at IS NULL AND stops = 'sending' AND (scope = 'everything'
        OR (scope = 'provider' AND subject = p.provider) OR (scope = 'campaign' AND subject = p.campaign)
        OR (scope = 'player' AND subject = p.player_id))) AS paused,
    (SELECT secret.salt FROM player_secret AS secret WHERE secret.player_id = p.player_id) AS salt,
    (SELECT line.file_id FROM bank_file_line AS line WHERE line.payout_id = a.payout_id AND line.attempt_no = a.attempt_no
     ORDER BY line.file_id DESC LIMIT 1) AS file_id
FROM attempt AS a JOIN payout AS p ON p.id = a.payout_id
WHERE a.provider = $1 AND a.state = 'accepted' AND p.state = 'pending'
ORDER BY p.id LIMIT $2 FOR UPDATE OF p

-- name: insert_bank_file
INSERT INTO bank_file (id, provider, payouts, totals, sha256, reason, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: insert_bank_file_lines
INSERT INTO bank_file_line (file_id, payout_id, attempt_no, is_again)
SELECT $1, * FROM unnest($2::uuid[], $3::int[], $4::boolean[])

-- name: next_versions_of_payouts
-- Something was noted about them that changes nothing they say.
UPDATE payout SET version = version + 1, updated_at = rr_now() WHERE id = ANY ($1::uuid[])
RETURNING id, version, payout_digest(state, amount, destination_digest, content_digest) AS digest
