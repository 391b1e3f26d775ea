-- The audit log says where an action came from, how it ended and what it changed; its chain covers every column.

-- `origin`: api:REQUEST, cli, worker, webhook, library, start. `code`: why a refused action was refused. The digests are those
-- of what the event is about, before and after it, where it changes the state of something.
ALTER TABLE event
    ADD COLUMN origin         text NOT NULL DEFAULT 'unknown',
    ADD COLUMN outcome        text NOT NULL DEFAULT 'done' CHECK (outcome IN ('done', 'refused')),
    ADD COLUMN code           text,
    ADD COLUMN before_digest  bytea,
    ADD COLUMN after_digest   bytea,
    ADD CONSTRAINT event_refused_with_a_code CHECK ((outcome = 'refused') = (code IS NOT NULL));

-- What a payout's row says that people care about; an event's digests are this.
CREATE FUNCTION payout_digest(state text, amount numeric, destination_digest bytea, content_digest bytea) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(state || E'\x1f' || amount::text || E'\x1f', 'UTF8') || destination_digest || content_digest)
$$;

DROP TRIGGER event_is_sealed_once ON event;
DROP TRIGGER event_is_never_removed ON event;

-- What was sealed before is sealed anew, in the places it has: the chain of the first version covered neither the position
-- nor two of the columns. The encoding is that of docs/reference/audit-log.md.
CREATE FUNCTION pg_temp.field(value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(int4send(octet_length(value)) || value, '\xffffffff')
$$;
DO $$
DECLARE
    link   bytea := decode(repeat('00', 32), 'hex');
    sealed record;
BEGIN
    FOR sealed IN SELECT * FROM event WHERE position IS NOT NULL ORDER BY position LOOP
        link := sha256(link || '\x01' || int8send(sealed.position) || int8send(sealed.n)
            || int8send(sealed.transaction_id::text::bigint) || uuid_send(sealed.subject_id) || int4send(sealed.version)
            || int8send((extract(epoch FROM sealed.created_at) * 1000000)::bigint)
            || pg_temp.field(convert_to(sealed.type, 'UTF8')) || pg_temp.field(convert_to(sealed.actor, 'UTF8'))
            || pg_temp.field(convert_to(sealed.origin, 'UTF8')) || pg_temp.field(convert_to(sealed.outcome, 'UTF8'))
            || pg_temp.field(convert_to(sealed.code, 'UTF8')) || pg_temp.field(sealed.before_digest)
            || pg_temp.field(sealed.after_digest) || pg_temp.field(convert_to(sealed.data::text, 'UTF8')));
        UPDATE event SET chain_hash = link WHERE position = sealed.position;
    END LOOP;
    UPDATE event_seal SET chain_hash = link;
END $$;
ALTER TABLE event_seal ALTER COLUMN chain_hash SET DEFAULT decode(repeat('00', 32), 'hex');

CREATE TRIGGER event_is_sealed_once BEFORE UPDATE ON event FOR EACH ROW
    WHEN (OLD.position IS NOT NULL OR OLD.n <> NEW.n OR OLD.subject_id <> NEW.subject_id OR OLD.version <> NEW.version
          OR OLD.type <> NEW.type OR OLD.data::text <> NEW.data::text OR OLD.actor <> NEW.actor
          OR OLD.created_at <> NEW.created_at OR OLD.transaction_id <> NEW.transaction_id OR OLD.origin <> NEW.origin
          OR OLD.outcome <> NEW.outcome OR OLD.code IS DISTINCT FROM NEW.code
          OR OLD.before_digest IS DISTINCT FROM NEW.before_digest OR OLD.after_digest IS DISTINCT FROM NEW.after_digest)
    EXECUTE FUNCTION event_is_sealed_once();
CREATE TRIGGER event_is_never_removed BEFORE DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_immutable();

-- The engine says what happened; when, in which transaction and in which place is not for it to say.
REVOKE INSERT ON event FROM rewardrails_app;
GRANT INSERT (subject_id, version, type, data, actor, origin, outcome, code, before_digest, after_digest) ON event
    TO rewardrails_app;
GRANT EXECUTE ON FUNCTION payout_digest(text, numeric, bytea, bytea) TO rewardrails_app;
