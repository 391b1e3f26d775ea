"""Screeners that are asked over real HTTP: only a clear and fresh word lets a payout through."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from rewardrails.domain.destination import Destination
from rewardrails.domain.policy.case import Screening
from rewardrails.engine.explain import explain
from rewardrails.engine.gates.again import judge_due
from rewardrails.engine.screening import screen_waiting
from rewardrails.errors import ConfigInvalid
from rewardrails.providers.http import HttpClient
from rewardrails.screeners.base import Screened, ScreenerContext, WhyUnknown
from rewardrails.screeners.http import HttpScreener
from rewardrails.screeners.registry import build_screener
from rewardrails.secrets import Secret
from rewardrails.store.database import assert_no_transaction
from rewardrails.worker.worker import Worker
from tests.support.screener_service import screener_service
from tests.support.scripted_rail import ScriptedRail
from tests.support.season import CONFIG, opened_core, request, reward, send_all, states

KEY = "canary-screener-key"
ASKS = """
[destination_kinds.paypal_email.rules]
screeners = ["watch"]
[screeners.watch]
adapter = "http"
settings = { url = "http://127.0.0.1:9/screen" }
credentials = { api_key = "env:PATH" }
answers_last_hours = 1
"""


def screener_at(url, **settings):
    context = ScreenerContext(
        name="watch",
        settings={"url": url, "timeout_seconds": 0.5, **settings},
        credentials={"api_key": Secret(KEY)},
        http=HttpClient(guard=assert_no_transaction),
    )
    return build_screener("http", context)


@asynccontextmanager
async def asked(dsn, **settings):
    """An engine whose destinations must be screened, and the service that does it."""
    async with screener_service() as service:
        screener = screener_at(service.url, **settings)
        async with opened_core(dsn, [ScriptedRail("one")], config=CONFIG + ASKS) as core:
            try:
                yield replace(core, screeners={"watch": screener}), service, screener
            finally:
                await screener.close()


async def rounds(core, screener, times=1):
    """Ask and judge, as a worker would, without its pauses."""
    for _ in range(times):
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE screener_state SET next_at = rr_now()")
        await screen_waiting(core, screener)
        await judge_due(core)


async def why(core, payout_id):
    return next(v for v in (await explain(core, payout_id)).verdicts if v.gate == "screening").why


async def results(core):
    async with core.database.reading() as connection:
        return await connection.fetch("SELECT * FROM screening")


# What the service says -------------------------------------------------------------------------------------------------


async def test_a_clear_word_lets_a_held_payout_go(database_dsn):
    async with asked(database_dsn) as (core, service, screener):
        (result,) = await request(core, [reward(1)])
        held = (await states(core))[result.payout_id]

        await rounds(core, screener)
        await send_all(core)

        assert (held, (await states(core))[result.payout_id]) == ("held", "paid")
        assert service.asked == [["player1@example.org"]]
        assert service.keys == {f"Bearer {KEY}"}


async def test_a_hit_and_an_undecided_one_stay_held_and_the_rest_goes(database_dsn):
    async with asked(database_dsn) as (core, service, screener):
        service.says = {
            "player1@example.org": {"verdict": "hit", "reference": "case-hit"},
            "player2@example.org": {"verdict": "unknown"},
        }
        made = [one.payout_id for one in await request(core, [reward(number) for number in range(4)])]

        await rounds(core, screener)
        await send_all(core)

        standing = await states(core)
        assert [standing[payout_id] for payout_id in made] == ["paid", "held", "held", "paid"]
        assert await why(core, made[1]) == "watch reports a hit"
        assert await why(core, made[2]) == "watch could not tell (undecided)"


async def test_one_destination_of_many_payouts_is_asked_about_once_and_its_answer_kept(database_dsn):
    async with asked(database_dsn) as (core, service, screener):
        await request(core, [reward(number, value="shared@example.org") for number in range(5)])
        await rounds(core, screener)

        await request(core, [reward(9, value="shared@example.org")])
        await rounds(core, screener, times=3)

        assert set((await states(core)).values()) == {"ready"}
        assert service.destinations == ["shared@example.org"]


async def status(code, body=b"{}"):
    return web.Response(status=code, body=body)


def answers(body):
    async def answer(service, request):
        return await status(200, body)

    return answer


def refuses(code):
    async def answer(service, request):
        return await status(code, b'{"results": [' + CLEAR + b"]}")

    return answer


async def hangs(service, request):
    await asyncio.sleep(5)
    return await status(200)


async def breaks_off(service, request):
    request.transport.abort()
    return await status(200)


async def too_long(service, request):
    return await status(200, b'{"results": [' + b" " * 2 * 1024**2 + b"]}")


CLEAR = b'{"id": "0", "verdict": "clear"}'
ODD = {
    "no json": answers(b"all is fine"),
    "not our shape": answers(b'{"clear": true}'),
    "another word": answers(b'{"results": [{"id": "0", "verdict": "fine"}]}'),
    "upper case": answers(b'{"results": [{"id": "0", "verdict": "CLEAR"}]}'),
    "id twice": answers(b'{"results": [' + CLEAR + b", " + CLEAR + b"]}"),
    "foreign id": answers(b'{"results": [' + CLEAR + b', {"id": "7", "verdict": "clear"}]}'),
    "number as id": answers(b'{"results": [{"id": 0, "verdict": "clear"}]}'),
    "key twice": answers(b'{"results": [{"id": "0", "verdict": "hit", "verdict": "clear"}]}'),
    "deep": answers(b'{"results": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
    "control character": answers(b'{"results": [{"id": "0", "verdict": "clear", "reference": "a\\u0000"}]}'),
    "day without zone": answers(b'{"results": [{"id": "0", "verdict": "clear", "valid_until": "2099-01-01"}]}'),
    "too long": too_long,
    "server error": refuses(500),
    "redirect": refuses(302),
    "created": refuses(201),
}
SILENT = {
    "none": (answers(b'{"results": []}'), "not_answered"),
    "key refused": (refuses(401), "key_refused"),
    "busy": (refuses(503), "busy"),
    "slowed down": (refuses(429), "busy"),
    "hangs": (hangs, "timeout"),
    "breaks off": (breaks_off, "not_reached"),
    "past": (
        answers(b'{"results": [{"id": "0", "verdict": "clear", "valid_until": "2020-01-01T00:00:00Z"}]}'),
        "stale_answer",
    ),
    **{name: (answer, "odd_answer") for name, answer in ODD.items()},
}


@pytest.mark.promise("G4")
@pytest.mark.parametrize("name", SILENT)
async def test_whatever_is_no_plain_answer_is_unknown_with_its_reason_and_holds(database_dsn, name):
    answering, reason = SILENT[name]
    async with asked(database_dsn) as (core, service, screener):
        service.answering = answering
        (result,) = await request(core, [reward(1)])

        await rounds(core, screener)
        await send_all(core)

        assert (await states(core))[result.payout_id] == "held"
        assert await why(core, result.payout_id) == f"watch could not tell ({reason})"
        (kept,) = await results(core)
        assert (kept["result"], kept["reason"]) == ("unknown", reason)


async def test_nobody_there_is_unknown_and_it_goes_on_once_somebody_is(database_dsn):
    async with asked(database_dsn) as (core, _, screener):
        away = screener_at("http://127.0.0.1:9/screen")
        (result,) = await request(core, [reward(1)])
        await rounds(core, away)
        told = await why(core, result.payout_id)
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE screening SET expires_at = rr_now()")

        await rounds(core, screener)

        assert told == "watch could not tell (not_reached)"
        assert (await states(core))[result.payout_id] == "ready"
        await away.close()


async def test_a_screener_that_raises_answers_too_little_or_never_comes_back_has_said_nothing(database_dsn):
    class Raises:
        name, batch_limit, call_timeout_seconds = "watch", 10, 0.1

        async def screen(self, destinations):
            raise RuntimeError("the vendor's library broke")

    class TooFew(Raises):
        async def screen(self, destinations):
            return [Screened(verdict=Screening.CLEAR)] * (len(destinations) - 1)

    async with asked(database_dsn) as (core, _, _screener):
        await request(core, [reward(1), reward(2)])
        for broken in (Raises(), TooFew()):
            async with core.database.transaction() as tx:
                await tx.execute("UPDATE screening SET expires_at = rr_now()")

            await rounds(core, broken)

            assert {row["reason"] for row in await results(core)} == {"screener_failed"}
            assert set((await states(core)).values()) == {"held"}


# How long it counts ----------------------------------------------------------------------------------------------------


async def expire_screenings(core, when):
    async with core.database.transaction() as tx:
        await tx.execute(f"UPDATE screening SET expires_at = rr_now() {when}")


@pytest.mark.promise("G4")
@pytest.mark.parametrize(("when", "state"), [("+ interval '1 minute'", "paid"), ("", "held")])
async def test_a_word_that_goes_stale_between_acceptance_and_sending_stops_it_there(database_dsn, when, state):
    async with asked(database_dsn) as (core, service, screener):
        (result,) = await request(core, [reward(1)])
        await rounds(core, screener)
        accepted = (await states(core))[result.payout_id]
        await expire_screenings(core, when)

        await send_all(core)

        assert (accepted, (await states(core))[result.payout_id]) == ("ready", state)
        await rounds(core, screener)
        await send_all(core)
        assert (await states(core))[result.payout_id] == "paid"
        assert len(service.asked) == (1 if state == "paid" else 2)


async def test_a_clear_one_becomes_a_hit_before_it_is_sent(database_dsn):
    async with asked(database_dsn) as (core, service, screener):
        (result,) = await request(core, [reward(1)])
        await rounds(core, screener)
        service.otherwise = {"verdict": "hit"}
        await expire_screenings(core, "")

        await send_all(core)
        await rounds(core, screener)
        await send_all(core)

        assert (await states(core))[result.payout_id] == "held"
        assert await why(core, result.payout_id) == "watch reports a hit"


async def test_an_answer_counts_as_long_as_the_shorter_of_its_own_and_our_word(database_dsn):
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    async with asked(database_dsn) as (core, service, screener):
        service.says = {
            "player1@example.org": {"verdict": "clear", "valid_until": soon},
            "player2@example.org": {"verdict": "clear", "valid_until": "2099-01-01T00:00:00Z"},
        }
        await request(core, [reward(1), reward(2)])

        await rounds(core, screener)

        lasts = sorted((row["expires_at"] - row["recorded_at"]).total_seconds() for row in await results(core))
        assert 280 < lasts[0] <= 300
        assert 3590 < lasts[1] <= 3600


# Asking ----------------------------------------------------------------------------------------------------------------


async def test_many_are_asked_about_in_batches_and_one_worker_at_a_time_asks(database_dsn):
    async with asked(database_dsn, batch=10) as (core, service, screener):
        service.delay = 0.02
        await request(core, [reward(number) for number in range(35)])

        while "held" in (await states(core)).values():
            await asyncio.gather(*(screen_waiting(core, screener) for _ in range(4)))
            await judge_due(core)

        assert sorted(len(batch) for batch in service.asked) == [5, 10, 10, 10]
        assert len(set(service.destinations)) == 35
        assert service.most_at_once == 1


async def test_a_silent_screener_is_asked_ever_more_rarely(database_dsn):
    async with asked(database_dsn) as (core, service, screener):
        service.answering = refuses(503)
        await request(core, [reward(1)])

        waits = []
        for _ in range(4):
            await expire_screenings(core, "")
            async with core.database.transaction() as tx:
                await tx.execute("UPDATE screener_state SET next_at = rr_now()")
            await screen_waiting(core, screener)
            again = await screen_waiting(core, screener)
            async with core.database.reading() as connection:
                waits.append(
                    await connection.fetchval(
                        "SELECT extract(epoch FROM next_at - rr_now())::float8 FROM screener_state"
                    )
                )
            assert again == 0

        assert [round(wait) for wait in waits] == [1, 2, 4, 8]
        assert len(service.asked) == 4


async def test_one_destination_that_breaks_a_screener_does_not_keep_the_others(database_dsn):
    async def breaks_on_one(service, request):
        asked = (await request.json())["destinations"]
        if any(one["value"] == "player3@example.org" for one in asked):
            return await status(500)
        return web.json_response({"results": [{"id": one["id"], "verdict": "clear"} for one in asked]})

    async with asked(database_dsn, batch=8) as (core, service, screener):
        service.answering = breaks_on_one
        await request(core, [reward(number) for number in range(8)])

        for _ in range(24):
            async with core.database.transaction() as tx:
                await tx.execute("UPDATE screening SET expires_at = rr_now() WHERE result = 'unknown'")
            await rounds(core, screener)

        assert sorted((await states(core)).values()) == ["held"] + ["ready"] * 7


async def test_no_plain_destination_is_stored_with_its_answer(database_dsn):
    async with asked(database_dsn) as (core, _, screener):
        await request(core, [reward(1)])
        await rounds(core, screener)

        async with core.database.reading() as connection:
            kept = [
                await connection.fetchval(f"SELECT string_agg(t::text, ' ') FROM {table} AS t")
                for table in ("screening", "screener_state", "hold", "event")
            ]
        assert not [words for words in kept if "player1" in words]


async def test_the_worker_asks_by_itself(database_dsn):
    async with asked(database_dsn) as (core, _, _screener):
        worker = Worker(core)
        working = asyncio.create_task(worker.run())
        try:
            (result,) = await request(core, [reward(1)])
            async with asyncio.timeout(15):
                while (await states(core))[result.payout_id] != "paid":  # noqa: ASYNC110 - another task works
                    await asyncio.sleep(0.05)
        finally:
            worker.stop()
            await working


# What cannot be configured ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "credentials", "is_live"),
    [
        ({}, {"api_key": Secret("k")}, False),
        ({"url": "http://screen.example"}, {}, False),
        ({"url": "http://user:p@screen.example"}, {"api_key": Secret("k")}, False),
        ({"url": "http://screen.example"}, {"api_key": Secret("k")}, True),
        ({"url": "https://screen.example", "batch": 0}, {"api_key": Secret("k")}, False),
        ({"url": "https://screen.example", "retries": 3}, {"api_key": Secret("k")}, False),
    ],
)
def test_a_screener_that_cannot_work_stops_the_start(settings, credentials, is_live):
    context = ScreenerContext(
        name="watch", settings=settings, credentials=credentials, is_live=is_live, http=HttpClient()
    )
    with pytest.raises(ConfigInvalid, match="watch"):
        build_screener("http", context)


def test_an_adapter_that_nobody_offers_stops_the_start():
    with pytest.raises(ConfigInvalid, match="there are http"):
        build_screener("soap", ScreenerContext(name="watch", http=HttpClient()))


async def test_memos_stay_here():
    async with screener_service() as service:
        seen = []

        async def keep(_service, request):
            seen.append(await request.text())
            return web.json_response({"results": [{"id": "0", "verdict": "clear"}]})

        service.answering = keep
        screener = screener_at(service.url)
        assert isinstance(screener, HttpScreener)
        (said,) = await screener.screen([Destination(kind="ton", value="address", memo="secret tag")])
        await screener.close()
    assert said == Screened(verdict=Screening.CLEAR)
    assert seen
    assert "secret tag" not in seen[0]
    assert WhyUnknown.NOT_REACHED == "not_reached"
