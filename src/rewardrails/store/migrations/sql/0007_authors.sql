-- Who gave a payout the destination it has now, where that was not whoever created it: authors do not approve.

ALTER TABLE payout ADD COLUMN destination_by text;
