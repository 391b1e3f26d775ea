-- name: insert_webhooks
INSERT INTO webhook_inbox (id, provider, event_key, body, body_key_id, observations)
SELECT id, provider, event_key, body, $6, observations
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[]) AS row (id, provider, event_key, body, observations)
ORDER BY provider, event_key
ON CONFLICT (provider, event_key) DO NOTHING

-- name: claim_webhooks
SELECT id, provider, event_key, observations, body_key_id, received_at < rr_now() - $2::float8 * interval '1 second' AS overdue
FROM webhook_inbox WHERE state = 'waiting' AND due_at <= rr_now()
ORDER BY due_at, id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED

-- name: settle_webhooks
UPDATE webhook_inbox SET state = row.state, code = row.code, due_at = rr_now() + row.due_in * interval '1 second'
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::float8[]) AS row (id, state, code, due_in)
WHERE webhook_inbox.id = row.id
