-- name: open_resolution
-- Overtaken: the attempt has ended or was sent again since, so that what was found out then proves nothing now.
SELECT r.id, r.attempt_no, r.outcome, r.proposed_by,
    a.sent_at > r.proposed_at OR a.state NOT IN ('sending', 'accepted', 'unknown') AS overtaken
FROM resolution r JOIN attempt a ON a.payout_id = r.payout_id AND a.attempt_no = r.attempt_no
WHERE r.payout_id = $1 AND r.confirmed_at IS NULL AND r.voided_at IS NULL

-- name: insert_resolution
INSERT INTO resolution (id, payout_id, attempt_no, outcome, evidence, evidence_key_id, evidence_digest, proposed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: confirm_resolution
UPDATE resolution SET confirmed_by = $2, confirmed_at = rr_now() WHERE id = $1

-- name: void_resolution
UPDATE resolution SET voided_at = rr_now() WHERE id = $1

-- name: resolutions_of
SELECT id, attempt_no, outcome, evidence, evidence_key_id, proposed_by, proposed_at, confirmed_by, confirmed_at, voided_at
FROM resolution WHERE payout_id = $1 ORDER BY id
