"""Workers that die or stand still at the worst moments: real processes, real signals, real providers."""

import asyncio

import asyncpg
import pytest

from rewardrails.store.database import Database
from rewardrails.store.sql import sql
from tests.integration.rails.scenarios import (
    CALL_SECONDS,
    a_zombie_stopped_before_its_first_byte_pays_nobody_twice,
    killed_between_storing_the_attempt_and_the_first_byte,
    killed_while_the_provider_has_the_order_and_the_answer_is_on_its_way,
    until_accepted,
)
from tests.support.stage import Rail, on_stage


@pytest.mark.promise("G1", "G2")
@pytest.mark.incident("I4")
@pytest.mark.parametrize("profile", ["default", "dedupe-none", "window-expires"])
async def test_killed_between_storing_the_attempt_and_the_first_byte(tmp_path, database_dsn, profile):
    await killed_between_storing_the_attempt_and_the_first_byte(tmp_path, database_dsn, profile)


@pytest.mark.promise("G1", "G2")
@pytest.mark.incident("I4")
@pytest.mark.parametrize("profile", ["default", "dedupe-none", "lookup-absent", "lookup-late"])
async def test_killed_while_the_provider_has_the_order_and_the_answer_is_on_its_way(tmp_path, database_dsn, profile):
    await killed_while_the_provider_has_the_order_and_the_answer_is_on_its_way(tmp_path, database_dsn, profile)


@pytest.mark.promise("G1")
async def test_a_zombie_stopped_before_its_first_byte_pays_nobody_twice(tmp_path, database_dsn):
    """While it connects; tests/kills stops zombies on every profile before and after that."""
    await a_zombie_stopped_before_its_first_byte_pays_nobody_twice(tmp_path, database_dsn, "dedupe-none")


@pytest.mark.promise("G1")
@pytest.mark.incident("I3")
async def test_two_worker_processes_share_a_backlog_and_pay_each_once(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage:
        await stage.pay(*range(400))
        async with stage.worker_process() as one, stage.worker_process() as other:
            await stage.until_all("paid", hurry=True)
            workers = await stage.rows("SELECT DISTINCT leased_by FROM attempt")
        await stage.assert_true_to_the_journals()
        assert {row["leased_by"] for row in workers} <= {one.name, other.name}
        totals = await stage.one.control.totals()
        assert (totals.accepted, totals.requests) == (400, 400)


@pytest.mark.promise("G1", "G2", "G8")
async def test_the_provider_and_the_worker_die_together(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, Rail(call_timeout=CALL_SECONDS)) as stage:
        await stage.one.control.behave("drip", times=10)
        await stage.pay(*range(10))
        async with stage.worker_process():
            await until_accepted(stage, 10)
            await stage.one.kill()
        await asyncio.gather(stage.one.start(), stage.expire_leases())
        async with stage.working():
            await stage.until_settled()
        await stage.assert_true_to_the_journals()
        assert await stage.counts() == {"paid": 10}


@pytest.mark.promise("G8")
async def test_a_process_that_stands_still_inside_a_claim_does_not_stop_the_others(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage:
        locked = asyncio.Event()
        frozen = asyncio.create_task(stand_still_inside_a_claim(database_dsn, locked))
        await locked.wait()
        async with stage.working():
            await stage.pay(*range(5))
            await stage.until_all("paid")
        await stage.assert_true_to_the_journals()
        frozen.cancel()
        await asyncio.wait({frozen})


async def stand_still_inside_a_claim(dsn: str, locked: asyncio.Event) -> None:
    database = await Database.connect(dsn, max_size=1, application_name="frozen")
    try:
        async with database.transaction() as claim:
            await claim.execute(sql("lock_provider"), "one")
            locked.set()
            await asyncio.Event().wait()
    except (asyncpg.PostgresError, asyncpg.InterfaceError):
        pass  # its session is gone, as it should be
    finally:
        await database.close()
