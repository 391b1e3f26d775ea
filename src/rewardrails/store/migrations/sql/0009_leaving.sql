-- What is judged of a destination with a memo, which limits hold a payout and since when, what a release let pass.

-- `recipient_digest` is of address and memo (null: written by an older version; it is then made from the ciphertext). One address
-- of an exchange is many recipients: how long a player has used one, who shares it and who proved it is known of each apart.
ALTER TABLE payout ADD COLUMN recipient_digest bytea;
ALTER TABLE address_use RENAME COLUMN address_digest TO recipient_digest;
ALTER TABLE ownership_challenge RENAME COLUMN address_digest TO recipient_digest;
GRANT DELETE ON address_use TO rewardrails_app;

-- Which limits' counters hold a payout and since when, as JSON (null: it was never let through). What was let through before is
-- counted once more when it leaves.
ALTER TABLE payout ADD COLUMN counted_as jsonb;
UPDATE payout SET counted_as = '{}' WHERE counted AND state IN ('held', 'awaiting_approval', 'ready', 'outcome_unknown');
ALTER TABLE payout DROP COLUMN counted;

-- Who holds it, where a person does; how bad the case was that a person let pass, until the payout says something else.
ALTER TABLE hold ADD COLUMN opened_by text;
ALTER TABLE gate_lift ADD COLUMN severity integer NOT NULL DEFAULT 0, ADD COLUMN voided_at timestamptz;
GRANT UPDATE ON gate_lift TO rewardrails_app;
