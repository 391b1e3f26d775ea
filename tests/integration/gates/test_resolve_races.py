"""An unknown outcome that many settle at once: two different people, whatever else is told of it meanwhile."""

import asyncio
from contextlib import suppress

import pytest

from rewardrails.domain.observation import ObservedStatus
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.errors import Forbidden, StateConflict
from rewardrails.ledger.invariants import verify
from tests.support.rounds import tell
from tests.support.scripted_rail import ScriptedRail, explode
from tests.support.season import opened_core, request, reward, send_all, states

pytestmark = [pytest.mark.promise("G1", "G7")]
ROUNDS = 25
ALONE = """SELECT count(*) FROM resolution WHERE confirmed_at IS NOT NULL AND confirmed_by = proposed_by"""
SETTLED = """SELECT count(*) FROM payout WHERE state IN ('paid', 'failed') AND 1 <> (
    SELECT count(*) FROM resolution WHERE payout_id = payout.id AND confirmed_at IS NOT NULL)"""


async def unknown(core, count):
    results = await request(core, [reward(number) for number in range(count)])
    await send_all(core)
    assert set((await states(core)).values()) == {"outcome_unknown"}
    return results


async def say(core, payout_id, outcome, who):
    with suppress(Forbidden, StateConflict):
        await resolve(core, payout_id, outcome=outcome, evidence=f"what {who} saw at the bank", actor=who)


async def test_one_person_at_once_and_often_settles_nothing(database_dsn, trials):
    async with opened_core(database_dsn, [ScriptedRail("one", explode)], connections=20) as core:
        made = await unknown(core, ROUNDS)

        for one in made:
            await asyncio.gather(*(say(core, one.payout_id, Resolved.PAID, "ann") for _ in range(6)))

        assert set((await states(core)).values()) == {"outcome_unknown"}
        trials(ROUNDS)


async def test_people_who_disagree_at_once_settle_it_once_and_never_alone(database_dsn, trials):
    async with opened_core(database_dsn, [ScriptedRail("one", explode)], connections=20) as core:
        made = await unknown(core, ROUNDS)

        for one in made:
            both = [(who, outcome) for who in ("ann", "ben", "sue") for outcome in Resolved]
            await asyncio.gather(*(say(core, one.payout_id, outcome, who) for who, outcome in both))

        async with core.database.reading() as connection:
            assert await connection.fetchval(ALONE) == 0
            assert await connection.fetchval(SETTLED) == 0
        assert (await verify(core.database)).balances
        trials(ROUNDS)


async def test_a_late_word_of_the_rail_against_two_people_leaves_the_books_right(database_dsn, trials):
    """Two say that it was not paid while the rail says that it was: it is paid, once, and from money that is accounted for."""
    async with opened_core(database_dsn, [ScriptedRail("one", explode)], connections=20) as core:
        made = await unknown(core, ROUNDS)

        for one in made:
            await say(core, one.payout_id, Resolved.NOT_PAID, "ann")
            await asyncio.gather(
                say(core, one.payout_id, Resolved.NOT_PAID, "ben"), tell(core, one, ObservedStatus.PAID)
            )

        assert set((await states(core)).values()) == {"paid"}
        assert (await verify(core.database)).balances
        async with core.database.reading() as connection:
            assert await connection.fetchval("SELECT count(*) FROM transfer WHERE kind LIKE '%settle'") == ROUNDS
        trials(ROUNDS)
