"""Migrations: any number of processes may start at once, and an older program never touches a newer database."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import asyncpg
import psycopg
import pytest

from rewardrails.errors import ErrorCode
from rewardrails.store import migrate, schema
from rewardrails.store.embedded import EmbeddedPostgres
from rewardrails.store.migrate import DatabaseNewer
from rewardrails.store.postgres_programs import DatabaseUnavailable


def test_an_empty_database_is_brought_to_head(empty_database_dsn: str) -> None:
    assert migrate.current(empty_database_dsn) is None

    migrate.upgrade(empty_database_dsn)

    assert migrate.current(empty_database_dsn) == migrate.head()


def test_a_database_at_head_is_left_alone(database_dsn: str) -> None:
    before = _objects(database_dsn)

    migrate.upgrade(database_dsn)

    assert _objects(database_dsn) == before


def test_threads_that_start_at_once_migrate_once(empty_database_dsn: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.upgrade, [empty_database_dsn] * 4))

    assert migrate.current(empty_database_dsn) == migrate.head()


def test_processes_migrate_one_server_at_once(tmp_path: Path) -> None:
    """On a new server, where the roles, which all its databases share, are not made yet either."""
    with EmbeddedPostgres.start(tmp_path / "pg") as server, _processes(4) as pool:
        names = ["first", "second"]
        for name in names:
            server.ensure_database(name)

        list(pool.map(migrate.upgrade, [server.dsn(name) for name in names * 4]))

        assert {migrate.current(server.dsn(name)) for name in names} == {migrate.head()}


def test_a_newer_database_is_refused_and_unchanged(database_dsn: str) -> None:
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(DatabaseNewer, match="9999") as refusal:
        migrate.upgrade(database_dsn)

    assert refusal.value.code is ErrorCode.CONFIG_INVALID
    assert migrate.current(database_dsn) == "9999"


def test_a_failing_migration_leaves_nothing_behind(empty_database_dsn: str) -> None:
    with psycopg.connect(empty_database_dsn) as connection:
        connection.execute("CREATE TABLE payout (in_the_way integer)")
    before = _objects(empty_database_dsn)

    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate.upgrade(empty_database_dsn)

    assert _objects(empty_database_dsn) == before


@pytest.mark.promise("G6")
def test_an_unreachable_database_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseUnavailable, match="DATABASE_URL") as refusal:
        migrate.upgrade("postgresql://someone:hunter2@127.0.0.1:1/nowhere")

    assert "hunter2" not in str(refusal.value)


async def test_each_promised_version_runs_the_schema(each_database_dsn: str) -> None:
    connection = await asyncpg.connect(each_database_dsn)
    try:
        assert await connection.fetchval("SELECT rr_now() IS NOT NULL")
        assert await connection.fetchval("SELECT count(*) FROM payout") == 0
    finally:
        await connection.close()


def _processes(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


def _objects(dsn: str) -> list[tuple[str, int]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "SELECT relname, oid::bigint FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid"
        ).fetchall()


async def test_the_quick_look_and_the_migrations_know_the_same_schema(
    database_dsn: str, empty_database_dsn: str
) -> None:
    assert migrate.head() == schema.REVISION
    assert await schema.is_current(database_dsn)
    assert not await schema.is_current(empty_database_dsn)
    assert not await schema.is_current("postgresql://nobody@127.0.0.1:1/none")
