-- name: insert_quote
INSERT INTO quote (id, pool_id, provider, campaign, player_id, jurisdiction, destination_kind, destination_digest, asset,
    amount, fee, expires_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- name: read_quote
SELECT id, provider, campaign, player_id, jurisdiction, asset, amount, fee, destination_digest, expires_at
FROM quote WHERE id = $1
