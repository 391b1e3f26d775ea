-- name: open_resolution
SELECT id, attempt_no, outcome, proposed_by FROM resolution
WHERE payout_id = $1 AND confirmed_at IS NULL AND voided_at IS NULL

-- name: insert_resolution
INSERT INTO resolution (id, payout_id, attempt_no, outcome, evidence, evidence_key_id, evidence_digest, proposed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: confirm_resolution
UPDATE resolution SET confirmed_by = $2, confirmed_at = rr_now() WHERE id = $1

-- name: void_resolution
UPDATE resolution SET voided_at = rr_now() WHERE id = $1
