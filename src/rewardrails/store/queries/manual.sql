-- name: manual_queue
-- As the gates see them, and whether sending is paused: nobody pays by hand what would not be sent now.
SELECT p.id, p.provider, p.campaign, p.reward_id, p.player_id, p.amount, p.asset, p.jurisdiction, p.destination_kind,
    p.destination_ciphertext, p.destination_key_id, p.content_digest, p.address_digest, p.recipient_digest, p.created_by,
    p.counted_as, p.legal_approval_id, p.batch_id, a.updated_at AS since,
    (SELECT pool.name FROM pool WHERE pool.id = p.pool_id) AS pool,
    EXISTS (SELECT 1 FROM pause WHERE lifted_at IS NULL AND stops = 'sending' AND (scope = 'everything'
        OR (scope = 'provider' AND subject = p.provider) OR (scope = 'campaign' AND subject = p.campaign)
        OR (scope = 'player' AND subject = p.player_id))) AS paused,
    (SELECT secret.salt FROM player_secret AS secret WHERE secret.player_id = p.player_id) AS salt
FROM attempt a JOIN payout p ON p.id = a.payout_id
WHERE a.provider = ANY ($1::text[]) AND a.state = 'accepted' AND ($3::uuid IS NULL OR p.id > $3)
ORDER BY p.id LIMIT $2

-- name: manual_attempts
SELECT p.id, p.state::text AS state, COALESCE(a.provider, p.provider) AS provider, p.last_attempt_no AS attempt_no
FROM payout p LEFT JOIN attempt a ON a.payout_id = p.id AND a.attempt_no = p.last_attempt_no
WHERE p.id = ANY ($1::uuid[])
