-- Value that rails hand over instead of paying somebody, and each time it was given out.

-- Sealed for the payout's player. One for each attempt: what the rail says again changes nothing. Empty: its player was erased.
CREATE TABLE bearer_value (
    payout_id   uuid NOT NULL,
    attempt_no  integer NOT NULL,
    sealed      bytea NOT NULL,
    key_id      text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT rr_now(),
    PRIMARY KEY (payout_id, attempt_no),
    FOREIGN KEY (payout_id, attempt_no) REFERENCES attempt (payout_id, attempt_no)
);
-- What a rail handed over never changes and is never removed; what it is sealed with may.
CREATE TRIGGER bearer_value_is_immutable BEFORE DELETE OR TRUNCATE OR UPDATE OF payout_id, attempt_no, created_at
    ON bearer_value FOR EACH STATEMENT EXECUTE FUNCTION history_is_immutable();

-- The first time is free; every later one needs a reissue of the same number, and a reissue the reveal before it.
CREATE TABLE bearer_reveal (
    payout_id   uuid NOT NULL,
    attempt_no  integer NOT NULL,
    number      integer NOT NULL CHECK (number > 0),
    reissued    integer GENERATED ALWAYS AS (NULLIF(number, 1)) STORED,
    actor       text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT rr_now(),
    PRIMARY KEY (payout_id, attempt_no, number),
    FOREIGN KEY (payout_id, attempt_no) REFERENCES bearer_value (payout_id, attempt_no)
);
CREATE TABLE bearer_reissue (
    payout_id   uuid NOT NULL,
    attempt_no  integer NOT NULL,
    number      integer NOT NULL CHECK (number > 1),
    after       integer GENERATED ALWAYS AS (number - 1) STORED,
    actor       text NOT NULL,
    reason      text NOT NULL CHECK (reason <> ''),
    created_at  timestamptz NOT NULL DEFAULT rr_now(),
    PRIMARY KEY (payout_id, attempt_no, number),
    FOREIGN KEY (payout_id, attempt_no, after) REFERENCES bearer_reveal (payout_id, attempt_no, number)
);
ALTER TABLE bearer_reveal ADD CONSTRAINT bearer_reveal_was_reissued
    FOREIGN KEY (payout_id, attempt_no, reissued) REFERENCES bearer_reissue (payout_id, attempt_no, number);
CREATE INDEX bearer_reveal_by_actor ON bearer_reveal (actor, created_at);
CREATE TRIGGER bearer_reveal_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON bearer_reveal
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_immutable();
CREATE TRIGGER bearer_reissue_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON bearer_reissue
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_immutable();

GRANT SELECT, INSERT ON bearer_value, bearer_reveal, bearer_reissue TO rewardrails_app;
GRANT UPDATE (sealed, key_id) ON bearer_value TO rewardrails_app;
