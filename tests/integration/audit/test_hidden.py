"""Whoever owns the database hides what they did to payouts, or keeps events from being sealed and signed; each is found."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rewardrails.events.checkpoint_store import FILE_NAME
from rewardrails.events.walk import Tampering
from tests.integration.audit.log import Intruder, filled, the_fault, verified
from tests.support.season import request, reward

pytestmark = [pytest.mark.promise("G5")]
RICHER = "UPDATE payout SET amount = 999999, reserved = 999999 + fee_ceiling WHERE id = $1"


@asynccontextmanager
async def robbed(dsn: str, folder: Path) -> AsyncIterator[tuple]:
    """A log, somebody who owns its database, and a payout that they made larger."""
    async with filled(dsn, folder, 60) as (core, audit), Intruder.at(dsn) as intruder:
        await intruder.connection.execute("ALTER TABLE payout DROP CONSTRAINT payout_reserves_until_it_ends")
        payout = await intruder.connection.fetchval("SELECT id FROM payout ORDER BY id LIMIT 1")
        await intruder.run(RICHER, payout)
        yield core.database, audit, intruder, payout


async def test_an_event_that_is_never_sealed_hides_no_changed_payout(database_dsn: str, tmp_path: Path) -> None:
    async with robbed(database_dsn, tmp_path) as (database, audit, intruder, payout):
        await intruder.run(
            "INSERT INTO event (subject_id, version, type, data, actor, transaction_id)"
            " VALUES ($1, 99, 'x', '{}', 'nobody', '9000000000000000000'::xid8)",
            payout,
        )

        fault = await the_fault(database, audit)

    assert fault.kind is Tampering.INSERTED
    assert "claims a transaction that never was" in fault.words


async def test_an_event_without_a_digest_hides_no_changed_payout(database_dsn: str, tmp_path: Path) -> None:
    async with robbed(database_dsn, tmp_path) as (database, audit, intruder, payout):
        await intruder.run(
            "INSERT INTO event (subject_id, version, type, data, actor) VALUES ($1, 99, 'x', '{}', 'nobody')", payout
        )

        fault = await the_fault(database, audit)

    assert fault.kind is Tampering.PAYOUT
    assert str(payout) in fault.words


async def test_the_databases_own_digest_function_is_not_believed(database_dsn: str, tmp_path: Path) -> None:
    async with robbed(database_dsn, tmp_path) as (database, audit, intruder, payout):
        await intruder.connection.execute(
            "CREATE OR REPLACE FUNCTION payout_digest(state text, amount numeric, destination_digest bytea,"
            " content_digest bytea) RETURNS bytea LANGUAGE sql STABLE AS $$ SELECT COALESCE((SELECT e.after_digest"
            " FROM payout p JOIN event e ON e.subject_id = p.id WHERE p.content_digest = $4"
            " ORDER BY e.version DESC LIMIT 1), '') $$"
        )

        fault = await the_fault(database, audit)

    assert fault.kind is Tampering.PAYOUT
    assert str(payout) in fault.words


async def test_a_payout_that_no_event_tells_of_is_found(database_dsn: str, tmp_path: Path) -> None:
    async with filled(database_dsn, tmp_path, 60) as (core, audit), Intruder.at(database_dsn) as intruder:
        rows = await intruder.connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'payout' AND is_generated = 'NEVER'"
        )
        names = [row["column_name"] for row in rows]
        made_up = {"id": "gen_random_uuid()", "reward_id": "'made-up'"}
        await intruder.run(
            f"INSERT INTO payout ({', '.join(names)})"
            f" SELECT {', '.join(made_up.get(name, name) for name in names)} FROM payout LIMIT 1"
        )

        fault = await the_fault(core.database, audit)

    assert fault.kind is Tampering.PAYOUT
    assert "has no events" in fault.words


async def test_a_payout_whose_row_was_removed_is_found(database_dsn: str, tmp_path: Path) -> None:
    async with filled(database_dsn, tmp_path, 60) as (core, audit), Intruder.at(database_dsn) as intruder:
        payout = await intruder.connection.fetchval("SELECT id FROM payout ORDER BY id LIMIT 1")
        await intruder.run("DELETE FROM payout WHERE id = $1", payout)

        fault = await the_fault(core.database, audit)

    assert fault.kind is Tampering.PAYOUT
    assert f"{payout} is gone" in fault.words


@pytest.mark.parametrize(("age", "late"), [("59 seconds", False), ("61 seconds", True), ("3 days", True)])
async def test_events_that_wait_for_their_seal_too_long_are_a_fault(
    database_dsn: str, tmp_path: Path, age: str, late: bool
) -> None:
    async with filled(database_dsn, tmp_path, 60) as (core, audit), Intruder.at(database_dsn) as intruder:
        await request(core, [reward(4444)])
        await intruder.run(f"UPDATE event SET created_at = rr_now() - interval '{age}' WHERE position IS NULL")

        report = await verified(core.database, audit)

    assert report.waiting > 0
    assert (report.fault.kind if report.fault else None) == (Tampering.UNSEALED if late else None)


@pytest.mark.parametrize("left", [0, 1], ids=["all", "all but the first"])
async def test_checkpoints_that_are_gone_are_missed(database_dsn: str, tmp_path: Path, left: int) -> None:
    async with filled(database_dsn, tmp_path, 300) as (core, audit), Intruder.at(database_dsn) as intruder:
        lines = (tmp_path / FILE_NAME).read_bytes().splitlines(keepends=True)
        (tmp_path / FILE_NAME).write_bytes(b"".join(lines[:left]))
        fresh = await verified(core.database, audit)
        await intruder.connection.execute(
            "CREATE OR REPLACE FUNCTION rr_now() RETURNS timestamptz LANGUAGE sql STABLE"
            " AS $$ SELECT now() + interval '61 seconds' $$"
        )

        fault = await the_fault(core.database, audit)

    assert fresh.fault is None
    assert fault.kind is Tampering.UNSIGNED
    assert "newest checkpoints were removed" in fault.words
