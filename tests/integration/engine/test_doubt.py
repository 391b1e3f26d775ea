"""What was sent and not answered: crashes, absence, windows, resends, on a rail whose answers the test writes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rewardrails.engine.observe import Verdict, apply_observations
from rewardrails.engine.operate import retry
from rewardrails.engine.read import read_history
from rewardrails.engine.send import claim, send
from rewardrails.engine.sync import give_up_lapsed_resends
from rewardrails.errors import ErrorCode, StateConflict
from rewardrails.providers.capabilities import Dedupe
from tests.support.rounds import (
    assert_books_balance,
    expire_leases,
    make_everything_due,
    only_state,
    poll,
    recover,
)
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, explode, refuse
from tests.support.season import BUDGET, opened_core, pool, request, reward, send_all, states


@pytest.mark.promise("G1")
@pytest.mark.incident("I2")
async def test_an_exception_after_the_call_began_leaves_the_outcome_unknown_and_the_money_reserved(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one", explode)], funded=5000) as core:
        await request(core, [reward(1)])
        await send_all(core)

        assert await only_state(core) == "outcome_unknown"
        assert (await pool(core))["reserved"] == 1000
        with pytest.raises(StateConflict):
            await retry(core, next(iter(await states(core))), actor="test")


@pytest.mark.promise("G1", "G2")
@pytest.mark.incident("I4")
async def test_a_crash_between_commit_and_call_is_sent_again_under_the_same_key(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        (lost,) = await claim(core, rail, BUDGET, 10)  # and this worker dies here
        await expire_leases(core)

        assert await recover(core, rail) == 1
        assert await only_state(core) == "ready"
        await make_everything_due(core)
        await send_all(core)

        assert await only_state(core) == "paid"
        assert rail.calls == [lost.order.rail_key]
        assert rail.double_pays == []


@pytest.mark.promise("G1", "G2")
async def test_a_crash_after_the_call_is_found_paid(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        (item,) = await claim(core, rail, BUDGET, 10)
        await send(core, rail, item)  # and this worker dies before it tells
        await expire_leases(core)

        await recover(core, rail)

        assert await only_state(core) == "paid"
        assert len(rail.calls) == 1
        await assert_books_balance(core)


@pytest.mark.promise("G1")
async def test_a_worker_that_slept_between_commit_and_first_byte_pays_nobody_twice(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1)])
        (zombie,) = await claim(core, rail, BUDGET, 10)
        await expire_leases(core)
        await recover(core, rail)
        await make_everything_due(core)
        await send_all(core)

        late = await send(core, rail, zombie)
        (verdict,) = await apply_observations(core, [late])

        assert verdict is Verdict.FENCED
        assert rail.double_pays == []
        assert await only_state(core) == "paid"
        effects = [seen.effect for seen in (await read_history(core, result.payout_id)).observations]
        assert "fenced" in effects, "the late worker's evidence is kept"


@pytest.mark.promise("G1")
@pytest.mark.incident("I1")
@pytest.mark.parametrize(
    "capabilities",
    [
        {"dedupe": Dedupe.NONE},
        {"lookup_is_authoritative": False},
    ],
    ids=["no dedupe", "lookup not authoritative"],
)
async def test_unproved_absence_never_makes_a_payout_payable(database_dsn, capabilities):

    rail = ScriptedRail("one", capabilities=replace(CAPABILITIES, **capabilities))
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await claim(core, rail, BUDGET, 10)
        await expire_leases(core)
        await recover(core, rail)
        assert await only_state(core) == "outcome_unknown"

        for _ in range(5):
            await poll(core, rail)
            await send_all(core)

        assert await only_state(core) == "outcome_unknown"
        assert rail.calls == []


@pytest.mark.promise("G1")
@pytest.mark.incident("I1")
async def test_absence_after_the_keys_window_is_for_people(database_dsn):
    rail = ScriptedRail("one", capabilities=replace(CAPABILITIES, dedupe_window=timedelta(minutes=5)))
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await claim(core, rail, BUDGET, 10)
        await expire_leases(core)
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE submission SET expires_at = rr_now() + interval '5 seconds'")

        await recover(core, rail)

        assert await only_state(core) == "outcome_unknown"
        assert await send_all(core) == []


@pytest.mark.promise("G1")
@pytest.mark.incident("I5")
async def test_a_resend_that_waited_past_its_window_is_not_sent(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await claim(core, rail, BUDGET, 10)
        await expire_leases(core)
        await recover(core, rail)
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE submission SET expires_at = rr_now() + interval '5 seconds'")

        assert await send_all(core) == []
        assert await give_up_lapsed_resends(core, rail) == 1

        assert await only_state(core) == "outcome_unknown"
        assert rail.calls == []


@pytest.mark.promise("G1")
@pytest.mark.incident("I2")
async def test_a_refusal_of_a_resend_proves_nothing_about_the_first_sending(database_dsn):
    rail = ScriptedRail("one", refuse(ErrorCode.DESTINATION_INVALID))
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await claim(core, rail, BUDGET, 10)
        await expire_leases(core)
        await recover(core, rail)
        await make_everything_due(core)
        await send_all(core)

        assert await only_state(core) == "outcome_unknown"
        assert (await pool(core))["reserved"] == 1000
