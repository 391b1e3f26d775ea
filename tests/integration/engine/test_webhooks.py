"""Notices of providers: applied once, in any order, or quarantined; never lost."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.engine.observe import apply_observations
from rewardrails.engine.send import claim, send
from rewardrails.engine.sync import apply_answers, ask, claim_to_sync
from rewardrails.engine.webhooks import Notice, apply_notices, store_notices
from rewardrails.ledger.invariants import verify
from rewardrails.testing.steps.database import SteppedDatabase
from tests.support.scripted_rail import ScriptedRail, accept, settle
from tests.support.season import BUDGET, opened_core, request, reward, send_all, states


def notice(rail_key: str, status: ObservedStatus, *, event_key: str = "", **fields: object) -> Notice:
    seen = Observation(status=status, rail_key=rail_key, **fields)
    return Notice(
        provider="one",
        event_key=event_key or f"{rail_key}-{status}",
        body=b'{"player": "secret"}',
        observations=(seen,),
    )


async def inbox(core):
    async with core.database.reading() as connection:
        return [
            (row["state"], row["code"])
            for row in await connection.fetch("SELECT state, code FROM webhook_inbox ORDER BY id")
        ]


@pytest.mark.promise("G4")
@pytest.mark.incident("I12")
async def test_a_notice_is_applied_once_however_often_it_comes(database_dsn):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await send_all(core)
        (key,) = rail.calls

        await asyncio.gather(*(store_notices(core, [notice(key, ObservedStatus.PAID)] * 3) for _ in range(8)))
        assert await apply_notices(core, 100) == 1
        assert await apply_notices(core, 100) == 0

        assert list((await states(core)).values()) == ["paid"]
        assert await inbox(core) == [("applied", None)]
        assert (await verify(core.database)).balances


@pytest.mark.promise("G4")
@pytest.mark.parametrize("order", list(itertools.permutations(["pending", "paid", "returned"])))
async def test_notices_in_any_order_end_in_a_state_the_table_allows(database_dsn, order):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await send_all(core)
        (key,) = rail.calls
        for status in order:
            await store_notices(core, [notice(key, ObservedStatus(status))])
        await apply_notices(core, 100)

        (state,) = (await states(core)).values()
        came_back_after_paid = order.index("paid") < order.index("returned")
        assert state == ("returned" if came_back_after_paid else "failed")
        assert (await verify(core.database)).balances


@pytest.mark.promise("G2", "G4")
@pytest.mark.parametrize("end", ["paid", "returned"])
async def test_a_notice_that_only_says_that_something_happened_has_the_rail_asked_at_once(database_dsn, end):
    rail = ScriptedRail("one", settle if end == "returned" else accept)
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await send_all(core)
        (key,) = rail.calls
        before = list((await states(core)).values())
        assert await claim_to_sync(core, rail, 10) == []

        rail.status = dict.fromkeys(rail.status, ObservedStatus(end))
        await store_notices(core, [notice(key, ObservedStatus.UNKNOWN)])
        await apply_notices(core, 100)
        assert list((await states(core)).values()) == before
        asked = await claim_to_sync(core, rail, 10)
        await apply_answers(core, rail, [(one, await ask(rail, one)) for one in asked])

        assert list((await states(core)).values()) == [end]


@pytest.mark.promise("G4")
async def test_a_notice_that_tells_nothing_takes_no_payout_out_of_its_sender_s_hands(database_dsn):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        (claimed,) = await claim(core, rail, BUDGET, 10)

        await store_notices(core, [notice(claimed.ref.rail_key, ObservedStatus.UNKNOWN)])
        await apply_notices(core, 100)

        assert list((await states(core)).values()) == ["submitting"]
        await apply_observations(core, [await send(core, rail, claimed)])
        assert list((await states(core)).values()) == ["pending"]


@pytest.mark.promise("G4", "G8")
async def test_a_notice_that_speaks_of_nobody_is_taken_and_holds_up_no_other(database_dsn):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await send_all(core)
        (key,) = rail.calls
        of_nobody = Notice(provider="one", event_key="e", body=b"{}", observations=())

        await store_notices(core, [of_nobody, notice(key, ObservedStatus.PAID)])
        assert await apply_notices(core, 100) == 2

        assert await inbox(core) == [("applied", None)] * 2
        assert list((await states(core)).values()) == ["paid"]


@pytest.mark.promise("G8")
async def test_several_notices_about_each_of_many_payouts_take_no_more_statements_than_about_few(database_dsn):
    async def statements_for(payouts: range) -> int:
        rail = ScriptedRail("one", accept)
        async with opened_core(database_dsn, [rail]) as core:
            await request(core, [reward(number) for number in payouts])
            await send_all(core)
            told = (ObservedStatus.PENDING, ObservedStatus.PAID, ObservedStatus.RETURNED)
            for status in told:
                await store_notices(core, [notice(key, status) for key in rail.calls])
            counting = SteppedDatabase(core.database._pool)
            assert await apply_notices(replace(core, database=counting), 500) == len(payouts) * len(told)
            assert set((await states(core)).values()) == {"returned"}
            return len(counting.steps.taken)

    assert await statements_for(range(40)) == await statements_for(range(100, 102))


@pytest.mark.promise("G2", "G4")
async def test_a_notice_before_the_payout_is_known_waits_and_is_quarantined_after_an_hour(database_dsn):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        await store_notices(core, [notice("0" * 32 + "-1", ObservedStatus.PAID)])
        await apply_notices(core, 100)
        assert await inbox(core) == [("waiting", "not_found")]

        async with core.database.transaction() as tx:
            await tx.execute("UPDATE webhook_inbox SET due_at = rr_now(), received_at = rr_now() - interval '2 hours'")
        await apply_notices(core, 100)
        assert await inbox(core) == [("quarantined", "not_found")]


@pytest.mark.promise("G4")
@pytest.mark.incident("I24")
@pytest.mark.parametrize(
    "lie",
    [
        {"amount": Money(amount_minor=1, asset="EUR")},
        {"amount": Money(amount_minor=1000, asset="USD")},
        {"destination": reward(2).destination},
        {"provider_reference": "somebody-elses"},
        {"live": True},
    ],
    ids=["amount", "asset", "destination", "reference", "environment"],
)
async def test_a_true_notice_about_something_else_is_quarantined_and_moves_nothing(database_dsn, lie):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await send_all(core)
        await store_notices(core, [notice(rail.calls[0], ObservedStatus.PAID, **lie)])
        await apply_notices(core, 100)

        assert await inbox(core) == [("quarantined", "webhook_subject_mismatch")]
        assert list((await states(core)).values()) == ["pending"]


@pytest.mark.promise("G4")
@pytest.mark.incident("I22")
async def test_a_notice_of_another_rail_is_quarantined(database_dsn):
    one, two = ScriptedRail("one", accept), ScriptedRail("two", accept)
    async with opened_core(database_dsn, [one, two]) as core:
        await request(core, [reward(1)])
        await send_all(core)
        await store_notices(core, [replace(notice(one.calls[0], ObservedStatus.PAID), provider="two")])
        await apply_notices(core, 100)

        assert await inbox(core) == [("quarantined", "webhook_subject_mismatch")]
        assert list((await states(core)).values()) == ["pending"]


async def test_a_notice_that_names_only_their_reference_finds_its_attempt(database_dsn):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await send_all(core)
        seen = Observation(status=ObservedStatus.PAID, provider_reference=f"ref-{rail.calls[0]}")
        await store_notices(core, [Notice(provider="one", event_key="e", body=b"", observations=(seen,))])
        await apply_notices(core, 100)
        assert list((await states(core)).values()) == ["paid"]


@pytest.mark.promise("G4")
async def test_two_workers_share_the_inbox(database_dsn):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core, opened_core(database_dsn, [rail]) as other:
        await request(core, [reward(n) for n in range(200)])
        await send_all(core, wanted=200)
        await store_notices(core, [notice(key, ObservedStatus.PAID) for key in rail.calls])

        done = await asyncio.gather(*(apply_notices(which, 25) for which in (core, other) * 6))

        assert sum(done) == 200
        assert set((await states(core)).values()) == {"paid"}
        assert (await verify(core.database)).balances


@pytest.mark.promise("G6")
async def test_the_stored_body_holds_nothing_readable(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        await store_notices(core, [notice("0" * 32 + "-1", ObservedStatus.PAID, destination=reward(1).destination)])
        async with core.database.reading() as connection:
            row = await connection.fetchrow("SELECT body, observations FROM webhook_inbox")
        assert b"secret" not in row["body"]
        assert b"player1" not in row["observations"]
