"""Payouts over exchanges through the whole engine: their journals say whether anybody was paid twice, or not at all."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rewardrails.domain.observation import ObservedStatus
from rewardrails.engine.core import Core
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.errors import ErrorCode
from rewardrails.ledger.invariants import verify as verify_books
from rewardrails.testing.contract import Conduct
from rewardrails.worker.worker import Worker
from tests.support.season import request, send_all, states
from tests.vendors.exchange.doubles import DOUBLES
from tests.vendors.exchange.stage import at, to_wallet

pytestmark = [pytest.mark.promise("G1", "G2", "G3")]
ASKED = 3


async def until(core: Core, wanted: set[str]) -> Counter[str]:
    async with asyncio.timeout(30):
        while not set(standing := Counter((await states(core)).values())) <= wanted:  # noqa: ASYNC110 - another task works
            await asyncio.sleep(0.05)
    return standing


async def asked_often(core: Core) -> None:
    """The list was asked about every payout again and again."""
    async with asyncio.timeout(30):
        while True:
            async with core.database.reading() as connection:
                if await connection.fetchval("SELECT min(syncs) FROM attempt") >= ASKED:
                    return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def working(core: Core) -> AsyncIterator[None]:
    worker = Worker(core)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await task


@pytest.mark.parametrize("exchange", DOUBLES)
async def test_a_payout_is_followed_to_its_end(database_dsn, exchange):
    async with at(exchange)(database_dsn) as (core, double):
        await request(core, [to_wallet(1, memo="77")])
        async with working(core):
            await until(core, {"pending"})
            double.taken[0].status = double.TRUTHS[ObservedStatus.PAID]
            await until(core, {"paid"})

        assert (double.taken[0].address, double.taken[0].tag) == ("WalletOfPlayer1", "77")
        assert (await verify_books(core.database)).broken == ()


@pytest.mark.parametrize("exchange", DOUBLES)
async def test_a_withdrawal_that_fails_late_gives_the_money_back(database_dsn, exchange):
    async with at(exchange)(database_dsn) as (core, double):
        await request(core, [to_wallet(1)])
        async with working(core):
            await until(core, {"pending"})
            double.taken[0].status = double.TRUTHS[ObservedStatus.FAILED]
            await until(core, {"failed"})

        assert (await verify_books(core.database)).broken == ()


@pytest.mark.incident("I2", "I9")
@pytest.mark.parametrize("conduct", [Conduct.LOSE_REPLY, Conduct.ANSWER_LATE])
@pytest.mark.parametrize("exchange", DOUBLES)
async def test_an_answer_that_was_lost_is_found_or_left_to_people_and_never_sent_again(database_dsn, exchange, conduct):
    async with at(exchange)(database_dsn) as (core, double):
        (made,) = await request(core, [to_wallet(1)])
        await double.behave(conduct)
        async with working(core):
            await until(core, {"pending"} if exchange != "bybit" else {"outcome_unknown"})
            await double.behave(Conduct.ACCEPT)
            double.taken[0].status = double.TRUTHS[ObservedStatus.PAID]
            if exchange != "bybit":
                await until(core, {"paid"})
            else:
                await asked_often(core)
                for actor in ("first", "second"):
                    await resolve(core, made.payout_id, outcome=Resolved.PAID, evidence="seen in its list", actor=actor)
                await until(core, {"paid"})

        assert len(double.taken) == 1
        assert (await verify_books(core.database)).broken == ()


@pytest.mark.incident("I2", "I9")
@pytest.mark.parametrize("exchange", DOUBLES)
async def test_what_the_list_does_not_show_is_never_sent_again_by_itself(database_dsn, exchange):
    """The exchange took it and its list lags: an empty list is no proof, and a second withdrawal would be paid."""
    async with at(exchange)(database_dsn) as (core, double):
        await request(core, [to_wallet(1)])
        await double.behave(Conduct.LOSE_REPLY)
        await send_all(core)
        hidden, double.taken = double.taken, []
        await double.behave(Conduct.ACCEPT)
        async with working(core):
            await asked_often(core)
            assert set((await states(core)).values()) == {"outcome_unknown"}
            assert (len(hidden), double.taken) == (1, [])
            double.taken = hidden
            if exchange != "bybit":
                double.taken[0].status = double.TRUTHS[ObservedStatus.PAID]
                await until(core, {"paid"})

        assert len(hidden) == 1


@pytest.mark.parametrize("exchange", DOUBLES)
async def test_nothing_leaves_without_a_legal_approval(database_dsn, exchange):
    async with at(exchange, allowed=False)(database_dsn) as (core, double):
        await request(core, [to_wallet(1)])
        await send_all(core)

        assert list((await states(core)).values()) == ["held"]
        async with core.database.reading() as connection:
            assert await connection.fetchval("SELECT code FROM payout") == ErrorCode.LEGAL_APPROVAL_MISSING
        assert double.PATH not in double.asked


@pytest.mark.parametrize("exchange", DOUBLES)
async def test_stopped_withdrawals_cost_no_payout_a_try_and_go_on_by_themselves(database_dsn, exchange):
    async with at(exchange, terms_seconds=0.0)(database_dsn) as (core, double):
        await request(core, [to_wallet(1)])
        double.open["EURI"] = False
        await send_all(core)
        async with core.database.reading() as connection:
            row = await connection.fetchrow("SELECT state::text AS state, code, tries FROM payout")
        assert tuple(row) == ("ready", ErrorCode.WITHDRAWALS_SUSPENDED, 0)

        double.open["EURI"] = True
        async with core.database.reading() as connection:
            await connection.execute("UPDATE payout SET due_at = rr_now()")
            await connection.execute("UPDATE provider_state SET failures = 0, closed_until = NULL")
        await send_all(core)

        assert len(double.taken) == 1
