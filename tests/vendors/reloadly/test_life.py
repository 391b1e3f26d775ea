"""Payouts over Reloadly through the whole engine: its journal says whether a card was bought twice, or lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from rewardrails import clock
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.statement import FindingKind
from rewardrails.engine import values
from rewardrails.engine.core import Core
from rewardrails.engine.findings import list_findings
from rewardrails.engine.reconcile import reconcile
from rewardrails.engine.send import claim, send
from rewardrails.engine.sync import apply_answers, ask, claim_expired
from rewardrails.errors import ErrorCode, ValueAlreadyRevealed, ValueNotReady
from rewardrails.ledger.invariants import verify as verify_books
from rewardrails.providers.http import HttpClient
from rewardrails.providers.reloadly.provider import ReloadlyProvider
from rewardrails.store.database import assert_no_transaction
from rewardrails.testing.contract import Conduct
from rewardrails.worker.worker import Worker
from tests.support import season
from tests.support.season import BUDGET, opened_core, request, send_all, states
from tests.vendors.reloadly.account import context_at
from tests.vendors.reloadly.double import FIXED, RANGED, ReloadlyDouble

pytestmark = [pytest.mark.promise("G1", "G2", "G3", "G6")]


def reward(number: int, product: int = RANGED, **changes: Any) -> Any:
    return season.reward(number, value=str(product), **changes)


@asynccontextmanager
async def opened(dsn: str, **settings: Any) -> AsyncIterator[tuple[Core, ReloadlyDouble, ReloadlyProvider]]:
    async with ReloadlyDouble() as double:
        double.currency = "EUR"
        context = context_at(double, **{"first_sync_after_seconds": 0.2, "absent_after_seconds": 0.0} | settings)
        provider = ReloadlyProvider(
            replace(context, name="one", call_timeout_seconds=1.0, http=HttpClient(guard=assert_no_transaction))
        )
        try:
            async with opened_core(dsn, [provider]) as core:
                yield core, double, provider
        finally:
            await provider.close()


def call(payout_id: UUID, number: int) -> values.RevealCall:
    return values.RevealCall(payout_id=payout_id, player_id=f"player:{number}", actor="test")


async def until(core: Core, wanted: set[str]) -> Counter[str]:
    async with asyncio.timeout(30):
        while not set(standing := Counter((await states(core)).values())) <= wanted:  # noqa: ASYNC110 - another task works
            await asyncio.sleep(0.05)
    return standing


@asynccontextmanager
async def working(core: Core) -> AsyncIterator[None]:
    worker = Worker(core)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await task


async def test_a_card_that_is_sold_at_once_is_paid_and_its_code_goes_to_its_player_once(database_dsn):
    async with opened(database_dsn) as (core, double, _):
        double.sells_at_once = True
        (made,) = await request(core, [reward(1)])
        await send_all(core)

        got = await values.reveal(core, call(made.payout_id, 1))
        with pytest.raises(ValueAlreadyRevealed):
            await values.reveal(core, call(made.payout_id, 1))

        card = double.taken[0].card
        assert (got.value.code, got.value.pin) == (card["cardNumber"], card["pinCode"])
        assert double.taken[0].body["unitPrice"] * 100 == 1000
        assert "recipientEmail" not in double.taken[0].body
        assert (await verify_books(core.database)).balances


@pytest.mark.incident("I2")
async def test_paid_waits_for_the_code(database_dsn):
    async with opened(database_dsn) as (core, double, _):
        double.sells_at_once = double.cards_are_late = True
        (made,) = await request(core, [reward(1)])
        async with working(core):
            await until(core, {"pending", "outcome_unknown"})
            with pytest.raises(ValueNotReady):
                await values.reveal(core, call(made.payout_id, 1))
            double.cards_are_late = False
            await until(core, {"paid"})

        assert (await values.reveal(core, call(made.payout_id, 1))).value.code == double.taken[0].card["cardNumber"]
        assert len(double.taken) == 1


@pytest.mark.incident("I2")
async def test_a_worker_that_dies_with_the_code_in_its_hands_loses_nothing(database_dsn):
    async with opened(database_dsn) as (core, double, provider):
        double.sells_at_once = True
        await request(core, [reward(1)])
        (claimed,) = await claim(core, provider, BUDGET, 1)
        told = await send(core, provider, claimed)
        assert told.observation.value is not None
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE attempt SET lease_until = rr_now() - interval '1 second'")

        (asked,) = await claim_expired(core, provider, 10)
        await apply_answers(core, provider, [(asked, await ask(provider, asked))])

        got = await values.reveal(core, call(claimed.ref.payout_id, 1))
        assert got.value.code == double.taken[0].card["cardNumber"]
        assert len(double.taken) == 1


@pytest.mark.incident("I2", "I9", "I27")
async def test_no_lost_late_or_refused_answer_buys_twice_or_loses_a_code(database_dsn, trials):
    troubles = (Conduct.ACCEPT, Conduct.LOSE_REPLY, Conduct.ANSWER_LATE, Conduct.REFUSE_STRANGELY, Conduct.REFUSE)
    async with opened(database_dsn) as (core, double, _):
        double.sells_at_once = True
        made = await request(core, [reward(number) for number in range(50)])
        for number, one in enumerate(made):
            await double.behave(troubles[number % len(troubles)], rail_key=f"{one.payout_id.hex}-1")
        async with working(core):
            await until(core, {"paid", "ready", "outcome_unknown"})
            for one in made:
                await double.behave(Conduct.ACCEPT, rail_key=f"{one.payout_id.hex}-1")
            await until(core, {"paid"})

        journal = Counter(UUID(one.body["customIdentifier"].partition("-")[0]) for one in double.taken)
        assert set(journal) == {one.payout_id for one in made}
        assert max(journal.values()) == 1
        codes = {(await values.reveal(core, call(one.payout_id, place))).value.code for place, one in enumerate(made)}
        assert codes == {one.card["cardNumber"] for one in double.taken}
        assert (await verify_books(core.database)).balances
        trials(len(made))


async def test_no_code_stands_anywhere_but_sealed(database_dsn, caplog, capsys):
    async with opened(database_dsn) as (core, double, _):
        double.sells_at_once = True
        made = await request(core, [reward(1), reward(2)])
        async with working(core):
            await until(core, {"paid"})
        await values.reveal(core, call(made[0].payout_id, 1))

        async with core.database.reading() as connection:
            names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            stored = "".join([repr(await connection.fetch(f'SELECT * FROM "{row[0]}"')) for row in names])
        out = "".join((stored, caplog.text, *capsys.readouterr()))
        found = [
            part for one in double.taken for part in one.card.values() if part in out or part.encode().hex() in out
        ]
        assert found == []


async def test_what_is_not_sold_fails_before_anything_is_ordered(database_dsn):
    async with opened(database_dsn) as (core, double, _):
        await request(core, [reward(1, FIXED), reward(2, FIXED, amount_minor=1250)])
        await send_all(core)

        async with core.database.reading() as connection:
            rows = await connection.fetch("SELECT state, code FROM payout ORDER BY reward_id")
        assert [tuple(row) for row in rows] == [("failed", ErrorCode.AMOUNT_INVALID), ("pending", None)]
        assert len(double.taken) == 1


async def test_a_refund_after_the_sale_gives_the_money_back_and_shows_no_code(database_dsn):
    async with opened(database_dsn) as (core, double, _):
        (made,) = await request(core, [reward(1)])
        await send_all(core)
        await double.move(f"{made.payout_id.hex}-1", ObservedStatus.RETURNED)
        async with working(core):
            await until(core, {"returned", "failed"})

        assert (await verify_books(core.database)).balances


async def test_an_empty_account_stops_the_rail_and_spends_no_try(database_dsn):
    async with opened(database_dsn) as (core, double, _):
        double.balance = type(double.balance)(0)
        await request(core, [reward(1)])
        await send_all(core)

        async with core.database.reading() as connection:
            row = await connection.fetchrow("SELECT state, code, tries FROM payout")
        assert tuple(row) == ("ready", ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, 0)


@pytest.mark.parametrize("first_page", [0, 1])
async def test_the_report_matches_what_was_bought_and_tells_what_somebody_else_bought(database_dsn, first_page):
    async with opened(database_dsn) as (core, double, _):
        double.first_page, double.sells_at_once = first_page, True
        await request(core, [reward(number) for number in range(120)])
        for _ in range(2):
            await send_all(core)
        async with core.database.reading() as connection:
            await connection.execute(
                "UPDATE attempt SET created_at = created_at - interval '7 hours', sent_at = sent_at - interval '7 hours',"
                " updated_at = updated_at - interval '7 hours'"
            )
        assert len(double.taken) == 120
        theirs = double.taken[-1].body | {"customIdentifier": "somebody"}
        double.taken.append(
            replace(double.taken[-1], number=999, body=theirs, created_at=clock.now() - timedelta(hours=8))
        )

        found = await reconcile(core, "one", actor="test")

        assert (found.items, found.matched) == (121, 120)
        assert [one.kind for one in await list_findings(core)] == [FindingKind.NOT_OURS]
