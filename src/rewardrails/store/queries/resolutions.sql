-- name: open_resolution
-- Overtaken: since then the attempt has ended, was sent again, or was told to be under way, so that what was found out proves
-- nothing now. The order of events tells it, not the clock, which may step back.
SELECT r.id, r.attempt_no, r.outcome, r.proposed_by,
    a.state NOT IN ('sending', 'accepted', 'unknown') OR EXISTS (
        SELECT 1 FROM event told JOIN event proposal ON proposal.subject_id = r.id AND proposal.version = 1
        WHERE told.subject_id = r.payout_id AND told.n > proposal.n
          AND told.type IN ('payout.submitting', 'payout.pending')) AS overtaken
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
