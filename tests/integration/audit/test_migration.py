"""What was sealed before the chain covered everything is sealed anew, in its places."""

from importlib import resources

import psycopg
import pytest

from rewardrails.events.verify import verify_log
from rewardrails.store import migrate
from rewardrails.store.database import Database

EVENTS = 50
_OLD_EVENTS = """
INSERT INTO event (subject_id, version, type, data, actor, created_at, position, chain_hash)
SELECT gen_random_uuid(), 1, 'pool.created', jsonb_build_object('name', 'Übung ' || n, 'n', n * 0.10), 'cli:someone',
    timestamptz '2026-01-01Z' + n * interval '1.000001 seconds', n, sha256(convert_to(n::text, 'UTF8'))
FROM generate_series(1, %s) AS n
"""


@pytest.mark.promise("G5")
async def test_a_log_of_an_older_version_verifies_after_the_update(empty_database_dsn: str) -> None:
    with psycopg.connect(empty_database_dsn) as owner:
        owner.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        owner.execute("INSERT INTO alembic_version VALUES ('0002')")
        for name in ("0001_initial.sql", "0002_gates.sql"):
            owner.execute(resources.files(migrate.SCRIPTS).joinpath("sql", name).read_bytes())
        owner.execute(_OLD_EVENTS, [EVENTS])
        owner.execute("UPDATE event_seal SET position = %s, chain_hash = ''", [EVENTS])

    migrate.upgrade(empty_database_dsn)

    database = await Database.connect(empty_database_dsn)
    try:
        report = await verify_log(database)
    finally:
        await database.close()
    assert (report.events, report.fault) == (EVENTS, None)
