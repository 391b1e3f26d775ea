"""What must be certain when a call that stops or commits something returns."""

import asyncio

import pytest

from rewardrails.domain.policy.case import ListKind
from rewardrails.engine import legal
from rewardrails.engine.pauses import PauseScope, pause
from rewardrails.store import database
from rewardrails.store.database import Unreachable
from rewardrails.store.sql import sql
from tests.support.gates import in_force, load
from tests.support.scripted_rail import ScriptedRail
from tests.support.season import opened_core

WAITING = """SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
                           WHERE datname = current_database() AND NOT granted)"""


@pytest.mark.promise("G1")
@pytest.mark.parametrize("stops", ["pause", "revoke", "list"])
async def test_what_stops_sending_returns_only_when_no_claim_can_miss_it(database_dsn, stops):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        approval = await in_force(core)
        orders = {
            "pause": lambda: pause(core, scope=PauseScope.EVERYTHING, subject="", reason="stop", actor="ann"),
            "revoke": lambda: legal.revoke(core, approval.id, reason="it lapsed", actor="ann"),
            "list": lambda: load(core, "somebody@example.com", kind=ListKind.SANCTIONS),
        }
        async with core.database.transaction() as claiming:
            await claiming.execute(sql("lock_provider"), "one")
            ordered = asyncio.create_task(orders[stops]())
            await until_it_waits_for_a_lock(core, ordered)
            assert not ordered.done()

        await ordered


@pytest.mark.promise("G2")
async def test_a_transaction_whose_end_stays_unheard_is_not_waited_for_without_end(database_dsn, monkeypatch):
    monkeypatch.setattr(database, "OUTCOME_SECONDS", 0.2)
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core, core.database.transaction() as standing:
        own_id = await standing.fetchval("SELECT pg_current_xact_id()::text")

        async def asked_elsewhere() -> bool:
            async with core.database.reading() as connection:
                return await database._was_committed(connection, own_id)

        with pytest.raises(Unreachable):
            await asyncio.wait_for(asked_elsewhere(), 10)


async def until_it_waits_for_a_lock(core, task):
    async with core.database.reading() as connection:
        while not task.done() and not await connection.fetchval(WAITING):
            await asyncio.wait([task], timeout=0.01)
