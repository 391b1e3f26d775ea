-- name: insert_operator
INSERT INTO operator (id, name, roles, password_hash, totp_ciphertext, totp_key_id, oidc_issuer, oidc_subject, telegram_id,
    created_by, was_admin)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'admin' = ANY ($3::text[])) ON CONFLICT DO NOTHING RETURNING id

-- name: list_operators
SELECT id, name, roles, password_hash IS NOT NULL AS has_password, oidc_issuer, oidc_subject, telegram_id, created_by,
    created_at, disabled_at,
    (SELECT max(seen_at) FROM operator_session WHERE operator_id = operator.id) AS seen_at
FROM operator ORDER BY id

-- name: any_operator
SELECT EXISTS (SELECT 1 FROM operator)

-- name: read_operator
SELECT * FROM operator WHERE id = $1

-- name: operator_by_name
SELECT * FROM operator WHERE lower(name) = lower($1) AND disabled_at IS NULL

-- name: operator_to_sign_in
-- How the database spells a name, under which tries are counted whoever has it, and whom it means, if anybody.
SELECT lower($1) AS spelt, operator.* FROM (SELECT) AS asked
LEFT JOIN operator ON lower(operator.name) = lower($1) AND operator.disabled_at IS NULL

-- name: operator_by_subject
SELECT * FROM operator WHERE oidc_issuer = $1 AND oidc_subject = $2 AND disabled_at IS NULL

-- name: operator_by_telegram
SELECT * FROM operator WHERE telegram_id = $1 AND disabled_at IS NULL

-- name: lock_operator
SELECT * FROM operator WHERE lower(name) = lower($1) FOR UPDATE

-- name: names_of_actors
SELECT 'operator:' || id AS actor, name FROM operator UNION ALL SELECT 'key:' || id, 'key ' || name FROM api_key

-- name: next_version_of
SELECT COALESCE(max(version), 0) + 1 FROM event WHERE subject_id = $1

-- name: set_operator_roles
UPDATE operator SET roles = $2, was_admin = was_admin OR 'admin' = ANY ($2::text[]) WHERE id = $1

-- name: disable_operator
UPDATE operator SET disabled_at = rr_now() WHERE id = $1

-- name: reset_operator
UPDATE operator SET password_hash = $2, totp_ciphertext = $3, totp_key_id = $4, totp_last_step = 0, disabled_at = NULL
WHERE id = $1

-- name: use_totp_step
-- Nothing comes back when this code, or a later one, was taken before.
UPDATE operator SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2 RETURNING id

-- name: insert_operator_session
-- Takes the place of the owner's sessions that are over.
WITH over AS (
    DELETE FROM operator_session WHERE operator_id = $3 AND (expires_at <= rr_now() OR revoked_at IS NOT NULL)
)
INSERT INTO operator_session (id, digest, operator_id, method, idle_seconds, expires_at)
VALUES ($1, $2, $3, $4, $5::float8, rr_now() + $6::float8 * interval '1 second')
RETURNING id, created_at, authenticated_at, expires_at

-- name: operator_session_by_digest
SELECT session.id, session.operator_id, session.method, session.authenticated_at, session.expires_at,
    session.seen_at < rr_now() - interval '1 minute' AS seen_long_ago, operator.name, operator.roles
FROM operator_session AS session JOIN operator ON operator.id = session.operator_id
WHERE session.digest = $1 AND session.revoked_at IS NULL AND session.expires_at > rr_now()
    AND session.seen_at > rr_now() - session.idle_seconds * interval '1 second' AND operator.disabled_at IS NULL

-- name: touch_operator_session
UPDATE operator_session SET seen_at = rr_now() WHERE id = $1 AND seen_at < rr_now()

-- name: renew_operator_session
UPDATE operator_session SET authenticated_at = rr_now(), seen_at = rr_now() WHERE id = $1 AND revoked_at IS NULL
RETURNING authenticated_at

-- name: revoke_operator_session
UPDATE operator_session SET revoked_at = rr_now() WHERE id = $1 AND revoked_at IS NULL RETURNING operator_id

-- name: revoke_sessions_of_operator
UPDATE operator_session SET revoked_at = rr_now() WHERE operator_id = $1 AND revoked_at IS NULL RETURNING id

-- name: count_sign_in_try
-- How many tries a slot has seen in its window, this one among them, and the seconds until the window ends.
INSERT INTO sign_in_limit (kind, slot, tries, ends_at)
VALUES ($1, $2, 1, rr_now() + $3::float8 * interval '1 second')
ON CONFLICT (kind, slot) DO UPDATE SET
    tries = CASE WHEN sign_in_limit.ends_at <= rr_now() THEN 1 ELSE LEAST(sign_in_limit.tries + 1, 1000000) END,
    ends_at = CASE WHEN sign_in_limit.ends_at <= rr_now() THEN EXCLUDED.ends_at ELSE sign_in_limit.ends_at END
RETURNING tries, extract(epoch FROM ends_at - rr_now())::float8 AS seconds_left

-- name: forget_sign_in_tries
UPDATE sign_in_limit SET tries = 0
FROM unnest($1::text[], $2::int[]) AS row (kind, slot) WHERE sign_in_limit.kind = row.kind AND sign_in_limit.slot = row.slot

-- name: record_refused_sign_in
-- At most $5 for one subject, which stands for a minute and whom it was aimed at; the last says that more are not told.
INSERT INTO event (subject_id, version, type, data, actor, origin)
SELECT $1, count(*) + 1, 'sign_in.refused',
    CASE WHEN count(*) + 1 < $5 THEN $2::jsonb ELSE $2::jsonb || '{"more_are_not_told": true}' END, $3, $4
FROM event WHERE subject_id = $1 HAVING count(*) < $5
ON CONFLICT DO NOTHING RETURNING version

-- name: use_sign_in
-- Nothing comes back when it was used before.
WITH forgotten AS (DELETE FROM sign_in_used WHERE expires_at <= rr_now() - interval '1 minute')
INSERT INTO sign_in_used (digest, expires_at) VALUES ($1, rr_now() + $2::float8 * interval '1 second')
ON CONFLICT DO NOTHING RETURNING digest

-- name: roots_of_keys
-- Up from each key to whoever made it, until nobody is above, or the machine's own admin key, whose keys stand for themselves.
WITH RECURSIVE up AS (
    SELECT id AS asked, 0 AS above, id, created_by FROM api_key WHERE id = ANY ($1::uuid[])
    UNION ALL
    SELECT up.asked, up.above + 1, maker.id, maker.created_by
    FROM up JOIN api_key AS maker ON maker.id = CASE
        WHEN up.created_by ~ '^key:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN substr(up.created_by, 5)::uuid END
    WHERE maker.created_by ~ '^(key|operator):' OR 'admin' <> ALL (maker.scopes)
)
SELECT DISTINCT ON (asked) asked AS id,
    CASE WHEN created_by LIKE 'operator:%' THEN created_by ELSE 'key:' || id END AS root
FROM up ORDER BY asked, above DESC

-- name: hold_maker_of_key
-- Keeps whoever makes a key from being disabled or revoked until it is made; nothing comes back for one who was.
WITH person AS (
    SELECT 1 FROM operator WHERE id = $1 AND $2 = 'operator' AND disabled_at IS NULL FOR SHARE
), key AS (
    SELECT 1 FROM api_key WHERE id = $1 AND $2 = 'key' AND revoked_at IS NULL FOR SHARE
)
SELECT EXISTS (SELECT 1 FROM person) OR EXISTS (SELECT 1 FROM key)

-- name: revoke_keys_made_by
-- Those that an actor made, those that these made, and so on; it is repeated until nothing comes back, as one may just be made.
WITH RECURSIVE below AS (
    SELECT id FROM api_key WHERE created_by = $1
    UNION
    SELECT made.id FROM below JOIN api_key AS made ON made.created_by = 'key:' || below.id
)
UPDATE api_key SET revoked_at = rr_now() WHERE id IN (SELECT id FROM below) AND revoked_at IS NULL RETURNING id, name

-- name: hold_operator
-- As they are now, and kept so until the transaction ends.
SELECT * FROM operator WHERE id = $1 AND disabled_at IS NULL FOR SHARE

-- name: standing_before_change
-- Who has a name, if anybody, and how many were ever admins.
SELECT operator.id, operator.roles, (SELECT count(*) FROM operator WHERE was_admin) AS admins
FROM (SELECT) AS asked LEFT JOIN operator ON lower(operator.name) = lower($1)

-- name: propose_operator_change
WITH former AS (DELETE FROM operator_change WHERE lower(name) = lower($2))
INSERT INTO operator_change (id, name, kind, roles, oidc_issuer, oidc_subject, telegram_id, proposed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: operator_change
SELECT * FROM operator_change WHERE lower(name) = lower($1) ORDER BY id DESC LIMIT 1

-- name: take_operator_change
DELETE FROM operator_change WHERE id = $1 RETURNING id
