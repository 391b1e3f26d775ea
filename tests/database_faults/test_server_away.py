"""The database server dies under load, or is away for some seconds; nobody restarts API and workers."""

import asyncio
from dataclasses import replace

import aiohttp
import pytest

from rewardrails.testing.fake_provider.client import FakeProviderProcess
from tests.database_faults.own_server import own_server
from tests.kills.chance import seeded_chance
from tests.kills.company import company
from tests.kills.season import Season, season
from tests.support.stage import PROFILES

PAYOUTS = 120
CRASHES = 3
LONGER_THAN_ALL_TRIES_SECONDS = 4.0


@pytest.fixture
def server():
    with own_server() as one:
        yield one


@pytest.mark.promise("G1", "G2", "G3", "G8")
async def test_a_server_that_crashes_under_load_stops_nothing_for_good(tmp_path, server, trials):
    chance = seeded_chance()
    async with season(tmp_path, server.dsn, chance) as one:
        part = PAYOUTS // CRASHES
        paying = []
        for crash in range(CRASHES):
            paying.append(asyncio.create_task(one.pay(range(crash * part, (crash + 1) * part))))
            await asyncio.sleep(chance.uniform(0.0, 0.4))
            await asyncio.to_thread(server.crash_and_restart)
        await asyncio.gather(*paying)
        await one.end(seconds=120.0)
        await one.reckon(PAYOUTS)
        assert {refusal["code"] for refusal in one.refusals} <= {"database_unavailable"}
        assert all(process.lives() for process in one.processes)
    trials(CRASHES)


@pytest.mark.promise("G2", "G8")
async def test_while_the_server_is_away_the_api_says_so_and_afterwards_all_goes_on(tmp_path, server):
    async with season(tmp_path, server.dsn, seeded_chance()) as one:
        await one.pay(range(20))
        await asyncio.to_thread(server.stop)
        try:
            paying = asyncio.create_task(one.pay(range(20, 40)))
            await _says_that_it_is_away(one)
            assert not paying.done()
        finally:
            await asyncio.to_thread(server.start)
        await paying
        await one.end(seconds=120.0)
        await one.reckon(40)
        assert {refusal["code"] for refusal in one.refusals} == {"database_unavailable"}
        assert await _status(one.session, "/readyz") == 200


@pytest.mark.promise("G2", "G8")
async def test_an_answer_that_comes_while_the_server_is_away_is_kept(tmp_path, server):
    """The rail has no lookup by our reference: its answer is all that anybody will ever know."""
    rails = {"lookup-absent": replace(PROFILES["lookup-absent"], call_timeout=5.0)}
    async with company(tmp_path, server.dsn, rails, served_here=True) as stage, stage.working():
        rail = stage.rails["lookup-absent"]
        await rail.control.hold_webhooks()
        await rail.control.behave("accept_late")
        (payout_id,) = await stage.pay(1, campaign="lookup-absent")
        await stage.until(lambda: _counted(rail, "requests"))
        await asyncio.to_thread(server.stop)
        try:
            async with asyncio.timeout(30):
                while not await _counted(rail, "accepted"):  # noqa: ASYNC110 - the rail is another process
                    await asyncio.sleep(0.1)
            await asyncio.sleep(LONGER_THAN_ALL_TRIES_SECONDS)
        finally:
            await asyncio.to_thread(server.start)
        await stage.until_all("paid", hurry=True)
        effects = await stage.rows(
            "SELECT effect::text AS effect FROM observation WHERE payout_id = $1 AND source = 'call'", payout_id
        )
        assert [row["effect"] for row in effects] == ["applied"]
        await stage.assert_true_to_the_journals()


async def _counted(rail: FakeProviderProcess, what: str) -> bool:
    return getattr(await rail.control.totals(), what) > 0


async def _says_that_it_is_away(one: Season) -> None:
    """Every kind of door answers 503 with the code of the catalogue; that the process lives needs no database."""
    assert await _status(one.session, "/readyz") == 503
    assert await _status(one.session, "/healthz") == 200
    for path in ("/v1/payouts", "/v1/pools", "/metrics"):
        async with one.session.get(path) as answer:
            problem = await answer.json(content_type=None)
            assert (answer.status, problem["code"]) == (503, "database_unavailable"), path
            assert answer.content_type == "application/problem+json"
    async with asyncio.timeout(30):  # callers of POST /v1/payouts hear it too
        while not one.refusals:  # noqa: ASYNC110 - it is the callers' list, and they only write it
            await asyncio.sleep(0.1)


async def _status(session: aiohttp.ClientSession, path: str) -> int:
    async with session.get(path) as answer:
        return answer.status
