-- name: insert_reconciliation
INSERT INTO reconciliation (id, provider, source, file_digest, covers_from, covers_to, state, started_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (provider) WHERE state IN ('waiting', 'running') DO NOTHING RETURNING *

-- name: take_waiting_reconciliation
UPDATE reconciliation SET state = 'running', seen_at = rr_now() WHERE id = (
    SELECT id FROM reconciliation WHERE state = 'waiting' AND source = 'list' AND provider = ANY ($1::text[])
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *

-- name: dead_reconciliations
-- Runs whose process is gone: nobody has heard of them for $1 seconds; or that waited $2 for a worker. $3: why they failed.
UPDATE reconciliation SET state = 'failed', code = $3, ended_at = rr_now()
WHERE state = 'running' AND seen_at < rr_now() - $1::float8 * interval '1 second'
   OR state = 'waiting' AND seen_at < rr_now() - $2::float8 * interval '1 second'
RETURNING id

-- name: last_reconciliations
-- Per provider: when the last run began, when the last one that came to its end did, and how many seconds ago.
SELECT name AS provider,
    (SELECT extract(epoch FROM rr_now() - created_at)::float8 FROM reconciliation
     WHERE provider = name ORDER BY id DESC LIMIT 1) AS seconds,
    (SELECT state = 'failed' FROM reconciliation WHERE provider = name ORDER BY id DESC LIMIT 1) AS failed,
    (SELECT extract(epoch FROM rr_now() - created_at)::float8 FROM reconciliation
     WHERE provider = name AND state = 'done' ORDER BY id DESC LIMIT 1) AS done_seconds
FROM unnest($1::text[]) AS name

-- name: store_statement_items
INSERT INTO statement_item (run_id, item_id, provider_reference, reference, payout_id, attempt_no, amount, asset, told, fee,
    status, provider_status, at)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::uuid[], $6::int[], $7::numeric[], $8::text[], $9::text[],
    $10::numeric[], $11::text[], $12::text[], $13::timestamptz[])
ON CONFLICT DO NOTHING

-- name: note_reconciliation_lives
UPDATE reconciliation SET seen_at = rr_now(), items = items + $2 WHERE id = $1 AND state = 'running' RETURNING items

-- name: lock_reconciliation
SELECT *, rr_now() AS now FROM reconciliation WHERE id = $1 FOR UPDATE

-- name: attempts_to_name
-- A provider's attempts that may have been sent in a window, again and again for a month, and that no item is known by.
SELECT attempt.payout_id, attempt.attempt_no, attempt.provider_reference, payout.amount, payout.asset
FROM attempt JOIN payout ON payout.id = attempt.payout_id
WHERE attempt.provider = $1 AND attempt.created_at >= $2::timestamptz - interval '31 days' AND attempt.created_at < $3
  AND attempt.updated_at >= $2
  AND NOT EXISTS (SELECT 1 FROM statement_item AS item WHERE item.run_id = $4 AND item.is_known
      AND item.payout_id = attempt.payout_id AND item.attempt_no = attempt.attempt_no)

-- name: name_statement_items
-- Whose items these are, where the provider's list calls an attempt by a name that is computed from ours.
UPDATE statement_item AS item SET payout_id = row.payout_id, attempt_no = row.attempt_no
FROM unnest($2::text[], $3::uuid[], $4::int[]) AS row (reference, payout_id, attempt_no)
WHERE item.run_id = $1 AND item.reference = row.reference AND item.payout_id IS NULL AND row.reference <> ''

-- name: match_items_by_our_name
UPDATE statement_item AS item SET is_known = true FROM attempt
WHERE item.run_id = $1 AND item.payout_id IS NOT NULL AND attempt.payout_id = item.payout_id
  AND attempt.attempt_no = item.attempt_no AND attempt.provider = $2

-- name: match_items_by_their_name
UPDATE statement_item AS item SET is_known = true, payout_id = attempt.payout_id, attempt_no = attempt.attempt_no FROM attempt
WHERE item.run_id = $1 AND item.payout_id IS NULL AND item.provider_reference <> '' AND attempt.provider = $2
  AND attempt.provider_reference = item.provider_reference

-- name: keep_statement_matches
INSERT INTO statement_match (payout_id, attempt_no, run_id, item_id)
SELECT DISTINCT ON (payout_id, attempt_no) payout_id, attempt_no, run_id, item_id FROM statement_item
WHERE run_id = $1 AND is_known AND status IN ('paid', 'pending')
ORDER BY payout_id, attempt_no, at ON CONFLICT DO NOTHING

-- name: item_differences
-- Every item that is not what we have, with all that is different about it. `is_young`: too near the edge of what is judged,
-- or too new here, to begin a finding with; one that is open stays open by it.
-- $1 run, $2 judged from, $3 judged to, $4 what moved after this may not have been heard of yet, $5 whether
-- a person brought a file: of a rail that is not asked, somebody must say what was paid.
WITH told AS (
    SELECT item.*, attempt.state AS our_state, attempt.updated_at, attempt.provider_reference AS our_provider_reference,
        payout.amount AS our_amount, payout.asset AS our_asset, payout.fee AS our_fee, payout.state AS our_payout_state,
        item.status IN ('paid', 'pending') AS moves,
        bool_or(item.status = 'returned') OVER attempts AS came_back,
        row_number() OVER (PARTITION BY item.payout_id, item.attempt_no, item.status IN ('paid', 'pending')
            ORDER BY (attempt.provider_reference = item.provider_reference) DESC NULLS LAST, item.at, item.item_id) AS place
    FROM statement_item AS item
    LEFT JOIN attempt ON item.is_known AND attempt.payout_id = item.payout_id AND attempt.attempt_no = item.attempt_no
    LEFT JOIN payout ON item.is_known AND payout.id = item.payout_id
    WHERE item.run_id = $1
    WINDOW attempts AS (PARTITION BY item.payout_id, item.attempt_no)
), judged AS (
    SELECT told.*, CASE WHEN came_back AND is_known THEN 'returned' ELSE status END AS standing,
        -- A file is read once, and what is here was written by people: there is nothing to wait for.
        NOT $5::boolean AND (at < $2 OR at >= $3 OR at >= $4 OR COALESCE(updated_at >= $4, false)) AS is_young
    FROM told
)
SELECT kind, judged.* FROM judged CROSS JOIN LATERAL (VALUES
    ('missing_here', NOT is_known AND payout_id IS NOT NULL AND status NOT IN ('failed', 'canceled')),
    ('not_ours', NOT is_known AND payout_id IS NULL AND status NOT IN ('failed', 'canceled')),
    ('paid_twice', is_known AND moves AND place > 1),
    ('amount_differs', is_known AND status <> 'returned' AND (amount IS DISTINCT FROM our_amount OR asset IS DISTINCT FROM our_asset)),
    ('fee_differs', is_known AND our_state = 'settled' AND fee IS NOT NULL AND our_fee IS NOT NULL AND fee <> our_fee),
    ('state_differs', is_known AND CASE standing
        WHEN 'paid' THEN our_state IN ('refused', 'failed', 'canceled', 'absent', 'returned', 'unknown')
            OR $5 AND our_state = 'accepted'
        WHEN 'pending' THEN our_state IN ('refused', 'failed', 'canceled', 'absent')
        WHEN 'unknown' THEN false
        ELSE our_state = 'unknown' OR our_state = 'settled' END)) AS difference (kind, is_so)
WHERE is_so

-- name: attempts_missing_there
-- Attempts that must be on the list and are not. $1 run, $2 provider, $3 from, $4 until, $5 the states that are expected there,
-- $6 whether they count by when they were recorded as paid rather than by when they were sent.
SELECT attempt.payout_id, attempt.attempt_no, attempt.state AS our_state, attempt.provider_reference AS our_provider_reference,
    CASE WHEN $6::boolean THEN attempt.updated_at ELSE attempt.sent_at END AS at,
    payout.amount AS our_amount, payout.asset AS our_asset, payout.fee AS our_fee, payout.state AS our_payout_state
FROM attempt JOIN payout ON payout.id = attempt.payout_id
WHERE attempt.provider = $2 AND attempt.state = ANY ($5::text[]) AND attempt.created_at < $4
  AND CASE WHEN $6::boolean THEN attempt.updated_at >= $3 AND attempt.updated_at < $4
      ELSE attempt.created_at >= $3 AND attempt.sent_at < $4 END
  AND NOT EXISTS (SELECT 1 FROM statement_item AS item WHERE item.run_id = $1 AND item.is_known
      AND item.payout_id = attempt.payout_id AND item.attempt_no = attempt.attempt_no)
  AND NOT EXISTS (SELECT 1 FROM statement_match AS match
      WHERE match.payout_id = attempt.payout_id AND match.attempt_no = attempt.attempt_no)

-- name: first_statement_of
-- From when on there are statement files of a provider.
SELECT min(covers_from) FROM reconciliation WHERE provider = $1 AND source = 'file' AND state = 'done'

-- name: put_findings
-- Opens what is new, and touches what is open. What a person has closed stays closed while it is the same difference.
INSERT INTO finding (id, provider, kind, subject, payout_id, attempt_no, theirs, ours, digest, first_run, last_run)
SELECT row.id, $1, row.kind, row.subject, row.payout_id, row.attempt_no, row.theirs::jsonb, row.ours::jsonb, row.digest, $2, $2
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::int[], $8::text[], $9::text[], $10::bytea[], $11::boolean[])
    AS row (id, kind, subject, payout_id, attempt_no, theirs, ours, digest, is_young)
LEFT JOIN finding AS open ON open.provider = $1 AND open.kind = row.kind AND open.subject = row.subject
    AND open.closed_at IS NULL
WHERE open.id IS NOT NULL OR NOT row.is_young AND NOT EXISTS (
    SELECT 1 FROM finding AS settled WHERE settled.provider = $1 AND settled.kind = row.kind
        AND settled.subject = row.subject AND settled.digest = row.digest AND settled.closed_by <> $12)
ON CONFLICT (provider, kind, subject) WHERE closed_at IS NULL DO UPDATE
SET last_run = excluded.last_run, seen_at = rr_now(), theirs = excluded.theirs, ours = excluded.ours, digest = excluded.digest
RETURNING id, kind, payout_id

-- name: close_matching_findings
-- Open ones which this run was told of again, and found nothing different about. $3: the name under which a run closes.
UPDATE finding SET closed_at = rr_now(), closed_by = $3, reason = 'the next run saw it match', last_run = $2, seen_at = rr_now()
WHERE provider = $1 AND closed_at IS NULL AND last_run <> $2 AND EXISTS (
    SELECT 1 FROM statement_item AS item WHERE item.run_id = $2 AND item.is_known AND CASE finding.kind
        WHEN 'missing_there' THEN item.payout_id = finding.payout_id AND item.attempt_no = finding.attempt_no
        ELSE item.item_id = finding.subject END)
RETURNING id, kind, payout_id

-- name: end_reconciliation
UPDATE reconciliation SET state = 'done', ended_at = rr_now(), seen_at = rr_now(), items = $2, matched = $3, found = $4,
    opened = $5, closed = $6
WHERE id = $1 RETURNING *

-- name: fail_reconciliation
UPDATE reconciliation SET state = 'failed', code = $2, ended_at = rr_now() WHERE id = $1 AND state = 'running' RETURNING id

-- name: count_statement_items
SELECT count(*) AS items, count(*) FILTER (WHERE is_known) AS known FROM statement_item WHERE run_id = $1

-- name: forget_statement_items
DELETE FROM statement_item WHERE run_id = $1 OR NOT EXISTS (
    SELECT 1 FROM reconciliation WHERE id = run_id AND state IN ('waiting', 'running'))

-- name: list_reconciliations
SELECT * FROM reconciliation WHERE ($1::uuid IS NULL OR id < $1) AND ($3::text IS NULL OR provider = $3)
ORDER BY id DESC LIMIT $2

-- name: read_reconciliation
SELECT * FROM reconciliation WHERE id = $1

-- name: list_findings
SELECT *, theirs::text AS theirs_text, ours::text AS ours_text FROM finding
WHERE ($1::uuid IS NULL OR id < $1) AND ($3::text IS NULL OR provider = $3) AND ($4::text IS NULL OR kind = $4)
  AND ($5::boolean IS NULL OR (closed_at IS NULL) = $5) AND ($6::uuid IS NULL OR id = $6)
ORDER BY id DESC LIMIT $2

-- name: lock_finding
SELECT *, theirs::text AS theirs_text, ours::text AS ours_text FROM finding WHERE id = $1 FOR UPDATE

-- name: close_finding
UPDATE finding SET closed_at = rr_now(), closed_by = $2, reason = $3 WHERE id = $1
RETURNING *, theirs::text AS theirs_text, ours::text AS ours_text

-- name: open_findings
-- What waits for people: how many, and how long the oldest has.
SELECT provider, kind, count(*) AS findings, extract(epoch FROM rr_now() - min(found_at))::float8 AS oldest_seconds
FROM finding WHERE closed_at IS NULL GROUP BY provider, kind ORDER BY provider, kind

-- name: suggest_payouts
-- What waits for a person's hands or is missing there, of one amount.
SELECT payout.id FROM payout WHERE payout.amount = $2 AND payout.asset = $3 AND payout.id IN (
    SELECT payout_id FROM attempt WHERE attempt.provider = $1 AND attempt.state IN ('accepted', 'unknown')
    UNION SELECT finding.payout_id FROM finding
    WHERE finding.provider = $1 AND finding.kind = 'missing_there' AND finding.closed_at IS NULL)
ORDER BY payout.id LIMIT $4

-- name: reconciled
SELECT name AS provider, extract(epoch FROM rr_now() - last.created_at)::float8 AS seconds FROM provider_state
JOIN LATERAL (SELECT created_at FROM reconciliation WHERE provider = name AND state = 'done' ORDER BY id DESC LIMIT 1) AS last
    ON true
ORDER BY name
