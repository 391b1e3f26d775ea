"""Workers that die or stand still at the worst moments: real processes, real signals, real providers."""

import asyncio

import asyncpg
import pytest

from rewardrails.store.database import Database
from rewardrails.store.sql import sql
from tests.integration.rails.scenarios import (
    CALL_SECONDS,
    a_zombie_stopped_before_its_first_byte_pays_nobody_twice,
    a_zombie_with_an_answer_in_its_hands_is_heard_and_not_obeyed,
    killed_between_storing_the_attempt_and_the_first_byte,
    killed_while_the_provider_has_the_order_and_the_answer_is_on_its_way,
    until_accepted,
)
from tests.support.stage import Rail, on_stage


@pytest.mark.parametrize("profile", ["default", "dedupe-none", "window-expires"])
async def test_killed_between_storing_the_attempt_and_the_first_byte(tmp_path, database_dsn, profile):
    await killed_between_storing_the_attempt_and_the_first_byte(tmp_path, database_dsn, profile)


@pytest.mark.parametrize("profile", ["default", "dedupe-none", "lookup-absent", "lookup-late"])
async def test_killed_while_the_provider_has_the_order_and_the_answer_is_on_its_way(tmp_path, database_dsn, profile):
    await killed_while_the_provider_has_the_order_and_the_answer_is_on_its_way(tmp_path, database_dsn, profile)


@pytest.mark.parametrize("profile", ["default", "dedupe-none"])
async def test_a_zombie_with_an_answer_in_its_hands_is_heard_and_not_obeyed(tmp_path, database_dsn, profile):
    await a_zombie_with_an_answer_in_its_hands_is_heard_and_not_obeyed(tmp_path, database_dsn, profile)


@pytest.mark.parametrize("profile", ["default", "dedupe-none", "replays-errors"])
async def test_a_zombie_stopped_before_its_first_byte_pays_nobody_twice(tmp_path, database_dsn, profile):
    await a_zombie_stopped_before_its_first_byte_pays_nobody_twice(tmp_path, database_dsn, profile)


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


async def test_workers_killed_again_and_again_finish_the_season(tmp_path, database_dsn):
    mix = "settle=30,webhook=30,lose_reply=15,error_after=5,rate_limit=10,error_before=5,fail=5"
    rail = Rail(arguments=("--mix", mix, "--seed", "7"), call_timeout=2.0)
    async with on_stage(tmp_path, database_dsn, rail) as stage:
        await stage.pay(*range(200))
        for threshold in (20, 80, 140):
            async with stage.worker_process():
                await until_accepted(stage, threshold)
            await stage.expire_leases()
        async with stage.working():
            await stage.until_settled()
        await stage.assert_true_to_the_journals()
        assert set(await stage.counts()) <= {"paid", "failed"}


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
