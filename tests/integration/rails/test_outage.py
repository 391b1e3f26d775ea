"""A provider goes away and comes back: nothing fails meanwhile, nobody else notices, nobody does anything by hand."""

from dataclasses import replace

import pytest

from rewardrails.engine.pauses import PauseScope, lift, pause
from rewardrails.testing.fake_provider.journal import Accepted
from tests.support.stage import Rail, Stage, on_stage

HASTY = Rail(call_timeout=1.0)
TWO = Rail(name="two")


async def go_away(stage: Stage, how: str) -> None:
    if how == "refused":
        await stage.one.kill()
    else:
        await stage.one.control.outage(how)


async def come_back(stage: Stage, how: str) -> None:
    if how == "refused":
        await stage.one.start()
    else:
        await stage.one.control.outage("off")


async def states_of(stage: Stage, campaign: str) -> set[str]:
    rows = await stage.rows("SELECT DISTINCT state::text AS state FROM payout WHERE campaign = $1", campaign)
    return {row["state"] for row in rows}


@pytest.mark.promise("G2", "G8")
@pytest.mark.parametrize("how", ["refused", "unavailable", "hang"])
async def test_an_outage_fails_nothing_and_ends_by_itself(tmp_path, database_dsn, how):
    async with on_stage(tmp_path, database_dsn, HASTY, TWO, breaker_failures=10, breaker_seconds=0.5) as stage:
        await go_away(stage, how)
        async with stage.working():
            await stage.pay(*range(20))
            await stage.pay(*range(100, 130), campaign="other")

            async def breaker_open() -> bool:
                (row,) = await stage.rows("SELECT failures FROM provider_state WHERE name = 'one'")
                return row["failures"] >= 10

            async def others_are_paid() -> bool:
                return await states_of(stage, "other") == {"paid"}

            await stage.until(breaker_open)
            await stage.until(others_are_paid)
            assert await states_of(stage, "season") <= {"ready", "submitting", "outcome_unknown"}
            await come_back(stage, how)

            await stage.until_all("paid", hurry=True)

        await stage.assert_true_to_the_journals()
        assert await stage.rows("SELECT 1 FROM payout WHERE tries > 0") == [], "an outage spends nobody's tries"
        assert await stage.rows("SELECT failures FROM provider_state WHERE name = 'one'") == [(0,)]


@pytest.mark.promise("G1", "G2", "G8")
async def test_a_provider_that_dies_in_the_middle_of_a_backlog_owes_nothing_afterwards(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn, HASTY, breaker_failures=20, breaker_seconds=0.3) as stage:
        await stage.pay(*range(150))
        async with stage.working():
            for threshold in (10, 60):

                async def accepted_so_many(threshold: int = threshold) -> bool:
                    return (await stage.one.control.totals()).accepted >= threshold

                await stage.until(accepted_so_many)
                await stage.one.restart()

            await stage.until_all("paid", hurry=True)
        await stage.assert_true_to_the_journals()


@pytest.mark.promise("G8")
async def test_the_breaker_stops_all_calls_while_it_is_open_and_closes_after_one_good_answer(tmp_path, database_dsn):
    rail = replace(HASTY, more="max_in_flight = 3")
    async with (
        on_stage(tmp_path, database_dsn, rail, breaker_failures=3, breaker_seconds=1.5) as stage,
        stage.working(),
    ):
        await stage.one.control.behave("rate_limit")
        await stage.pay(*range(8))

        async def opened_and_quiet() -> bool:
            (row,) = await stage.rows(
                "SELECT (SELECT closed_until > rr_now() FROM provider_state WHERE name = 'one') IS TRUE"
                " AND NOT EXISTS (SELECT 1 FROM attempt WHERE state = 'sending') AS so"
            )
            return row["so"]

        async def until_when():
            (row,) = await stage.rows(
                "SELECT CASE WHEN closed_until > rr_now() THEN closed_until END AS until FROM provider_state"
                " WHERE name = 'one'"
            )
            return row["until"]

        await stage.until(opened_and_quiet)
        opened = await until_when()
        before = (await stage.one.control.totals()).requests
        looks = 0
        while opened is not None and await until_when() == opened:
            await stage.hurry()
            requests = (await stage.one.control.totals()).requests
            if await until_when() == opened:
                assert requests == before
                looks += 1
        assert looks > 3

        await stage.one.control.forget_rules()
        await stage.until_all("paid", hurry=True)
        assert await stage.rows("SELECT failures, closed_until FROM provider_state WHERE name = 'one'") == [(0, None)]
        await stage.assert_true_to_the_journals()


@pytest.mark.promise("G8")
@pytest.mark.incident("I17")
async def test_a_rate_limit_holds_for_its_provider_alone(tmp_path, database_dsn):
    limited = Rail(more="rate_per_second = 5\nburst = 1")
    async with on_stage(tmp_path, database_dsn, limited, TWO) as stage, stage.working(), stage.working():
        await stage.pay(*range(10))
        await stage.pay(*range(100, 160), campaign="other")

        async def others_are_paid() -> bool:
            return await states_of(stage, "other") == {"paid"}

        await stage.until(others_are_paid)
        assert "ready" in await states_of(stage, "season"), "the limited one is still at it"
        await stage.until_all("paid")

        times = sorted(record.at for record in stage.journal() if isinstance(record, Accepted))
        assert times[-1] - times[0] >= (len(times) - 2) / 5 * 0.9
        await stage.assert_true_to_the_journals()


@pytest.mark.promise("G7", "G8")
@pytest.mark.incident("I10")
@pytest.mark.parametrize(("scope", "subject"), [(PauseScope.PROVIDER, "one"), (PauseScope.CAMPAIGN, "season")])
async def test_a_pause_stops_what_it_names_and_nothing_else(tmp_path, database_dsn, scope, subject):
    slow = Rail(more="rate_per_second = 30\nburst = 5")
    async with on_stage(tmp_path, database_dsn, slow, TWO) as stage, stage.working():
        await stage.pay(*range(60))

        async def begun() -> bool:
            return (await stage.one.control.totals()).accepted >= 5

        await stage.until(begun)
        made = await pause(stage.core, scope=scope, subject=subject, reason="a test", actor="test")
        (under_way,) = await stage.rows("SELECT count(*) AS n FROM attempt")

        await stage.pay(*range(100, 120), campaign="other")

        async def others_are_paid() -> bool:
            return await states_of(stage, "other") == {"paid"}

        await stage.until(others_are_paid)
        (now,) = await stage.rows("SELECT count(*) AS n FROM attempt WHERE provider = 'one'")
        assert now["n"] == under_way["n"], "not one attempt was begun once the pause was in force"
        assert (await stage.one.control.totals()).accepted <= under_way["n"]
        assert "ready" in await states_of(stage, "season")

        await lift(stage.core, pause_id=made.id, actor="test")
        await stage.until_all("paid", hurry=True)
        await stage.assert_true_to_the_journals()


@pytest.mark.promise("G2", "G8")
async def test_a_pause_of_everything_still_listens(tmp_path, database_dsn):
    async with on_stage(tmp_path, database_dsn) as stage, stage.working():
        await stage.one.control.hold_webhooks()
        await stage.pay(*range(5))
        await stage.until_all("pending")
        made = await pause(stage.core, scope=PauseScope.EVERYTHING, subject="", reason="a test", actor="test")
        await stage.pay(*range(5, 10))
        await stage.one.control.release_webhooks()

        async def heard() -> bool:
            return await stage.counts() == {"paid": 5, "ready": 5}

        await stage.until(heard)
        assert (await stage.one.control.totals()).accepted == 5
        await lift(stage.core, pause_id=made.id, actor="test")
        await stage.until_all("paid", hurry=True)
        await stage.assert_true_to_the_journals()
