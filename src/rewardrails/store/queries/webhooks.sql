-- name: insert_webhooks
INSERT INTO webhook_inbox (id, provider, event_key, body, body_key_id, observations, observations_key_id)
SELECT id, provider, event_key, body, $6, observations, $6
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[]) AS row (id, provider, event_key, body, observations)
ORDER BY provider, event_key
ON CONFLICT (provider, event_key) DO NOTHING

-- name: last_webhook
SELECT max(received_at) FROM webhook_inbox WHERE provider = $1

-- name: claim_webhooks
SELECT id, provider, event_key, body, body_key_id, observations, observations_key_id,
    received_at < rr_now() - $2::float8 * interval '1 second' AS overdue
FROM webhook_inbox WHERE state = 'waiting' AND due_at <= rr_now()
ORDER BY due_at, id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED

-- name: settle_webhooks
-- Once it is judged, what is kept of it belongs to its player.
UPDATE webhook_inbox SET state = row.state, code = row.code, due_at = rr_now() + row.due_in * interval '1 second',
    body = COALESCE(row.body, webhook_inbox.body), body_key_id = COALESCE(row.key_id, webhook_inbox.body_key_id),
    observations = CASE WHEN row.body IS NULL THEN webhook_inbox.observations ELSE '' END,
    observations_key_id = COALESCE(row.key_id, webhook_inbox.observations_key_id), player_id = row.player_id
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::float8[], $5::bytea[], $6::text[], $7::text[])
    AS row (id, state, code, due_in, body, key_id, player_id)
WHERE webhook_inbox.id = row.id
