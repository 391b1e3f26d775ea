"""What is set aside, looked at or decided late all the same: a route found later, a list that is gone again, a day that ends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rewardrails.domain.policy.case import ListKind
from rewardrails.engine import manual, operate, send
from rewardrails.engine.approve import approve
from rewardrails.engine.explain import explain
from rewardrails.engine.gates.again import judge_due
from rewardrails.engine.observe import apply_observations
from rewardrails.engine.operate import correct_destination, release_hold
from rewardrails.engine.read import read_history, read_payout
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.engine.send import claim
from rewardrails.errors import PoolExhausted, ProofRequired, RewardRailsError, StateConflict
from rewardrails.providers.capabilities import ProviderType
from tests.support.gates import load, say_yes
from tests.support.rounds import assert_books_balance, expire_leases, make_everything_due, recover
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, accept, settle
from tests.support.season import BUDGET, CONFIG, opened_core, pool, request, reward, send_all, states

ROUTE = '[[routes]]\ndestination_kind = "paypal_email"\nprovider = "one"\n'
ONE = '[providers.one]\ntype = "fiat_provider"\nadapter = "fake"\nenabled = true\n'
UNROUTED = CONFIG.replace(ROUTE, "")
COSTLY = CONFIG.replace(ONE, ONE + "fees = { basis_points = 1000 }\n")
BY_TWO = '\n[[approvals]]\nname = "large"\nneeds = 2\nasset = "EUR"\nabove = "5.00"\n'
KIND = '[destination_kinds.paypal_email]\nparser = "email"\nassets = ["EUR"]\n'
COOLING = CONFIG.replace(KIND, KIND + "[destination_kinds.paypal_email.rules]\ncooling_off_hours = 1\n")
DAILY = '\n[[limits]]\nname = "day"\nper = "player"\nwindow = "calendar_day"\nasset = "EUR"\nmax_amount = "30.00"\n'
MANUAL = replace(CAPABILITIES, provider_type=ProviderType.MANUAL)
BY_HAND = {"asset": "USD", "kind": "manual_note", "value": "desk 4"}

assert UNROUTED != CONFIG
assert COSTLY != CONFIG
assert COOLING != CONFIG


def noting(orders):
    """A rail's script that keeps what it was told."""

    async def answer(rail, order):
        orders.append(order)
        return await settle(rail, order)

    return answer


async def gates_holding(core, payout_id):
    return {hold.gate for hold in (await explain(core, payout_id)).holds if hold.closed_at is None}


@pytest.mark.promise("G3")
async def test_a_route_that_is_found_later_has_its_fees_set_aside(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=UNROUTED, funded=1100) as core:
        (result,) = await request(core, [reward(1)])
        assert await pool(core) == {"available": 100, "reserved": 1000, "sponsor": -1100}
    orders = []
    async with opened_core(database_dsn, [ScriptedRail("one", noting(orders))], config=COSTLY) as core:
        await release_hold(core, result.payout_id, actor="ann")

        assert await pool(core) == {"reserved": 1100, "sponsor": -1100}
        await assert_books_balance(core)
        await send_all(core)

        assert [order.fee_ceiling.amount_minor for order in orders] == [100]
        told = [event.type for event in (await read_history(core, result.payout_id)).events]
        assert "payout.routed" in told
        await assert_books_balance(core)


@pytest.mark.promise("G3")
async def test_a_route_whose_fees_the_pool_cannot_bear_is_not_taken(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=UNROUTED, funded=1099) as core:
        (result,) = await request(core, [reward(1)])
    async with opened_core(database_dsn, [ScriptedRail("one")], config=COSTLY) as core:
        with pytest.raises(PoolExhausted, match="fund it, then release it"):
            await release_hold(core, result.payout_id, actor="ann")

        assert (await read_payout(core, result.payout_id)).provider is None
        assert (await states(core))[result.payout_id] == "held"
        await assert_books_balance(core)


async def test_a_payout_is_approved_with_the_rail_and_the_fee_it_was_given_meanwhile(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=UNROUTED + BY_TWO) as core:
        (result,) = await request(core, [reward(1)])
        shown = {result.payout_id: (await read_payout(core, result.payout_id)).approval_digest}
    async with opened_core(database_dsn, [ScriptedRail("one")], config=COSTLY + BY_TWO) as core:
        await release_hold(core, result.payout_id, actor="eve")
        await say_yes(core, [result.payout_id], actor="ann")
        with pytest.raises(StateConflict, match="look again"):
            await approve(core, shown, actor="ben")

        assert (await states(core))[result.payout_id] == "awaiting_approval"


@pytest.mark.parametrize("stands", ["held by a person", "ready", "without a route"])
async def test_a_list_that_came_and_went_unseen_is_looked_into(database_dsn, stands):
    rail = ScriptedRail("one")
    config = UNROUTED if stands == "without a route" else CONFIG
    async with opened_core(database_dsn, [rail], config=config) as core:
        (result,) = await request(core, [reward(1)])
        if stands == "held by a person":
            await operate.hold(core, result.payout_id, cause="asked by support", actor="ann")
        await load(core, "player1@example.org", kind=ListKind.SANCTIONS)
        await load(core, "nobody@example.org", kind=ListKind.SANCTIONS)
    async with opened_core(database_dsn, [rail]) as core:
        if stands != "ready":
            with pytest.raises(ProofRequired, match="list_review"):
                await release_hold(core, result.payout_id, actor="ann", reason="they called back")
        await judge_due(core)
        await send_all(core)

        assert rail.calls == []
        assert "list_review" in await gates_holding(core, result.payout_id)
        await release_hold(
            core, result.payout_id, actor="ben", reason="compared with the source", overrules=["list_review"]
        )
        await send_all(core)
        assert len(rail.calls) == 1


async def test_what_a_list_named_is_not_paid_by_hand_before_somebody_looked(database_dsn):
    rail = ScriptedRail("by-hand", accept, MANUAL)
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1, **BY_HAND)])
        await send_all(core, "by-hand")
        await load(core, "desk 4", kind=ListKind.DENY)
        await load(core, "nobody", kind=ListKind.DENY)

        (item,) = await manual.queue(core)

        assert (item.destination, item.code) == (None, "screening_hold")
        await manual.refuse(core, result.payout_id, reason="a list named it", actor="ann")
        await operate.retry(core, result.payout_id, actor="ann")
        await send_all(core, "by-hand")
        assert (await states(core))[result.payout_id] == "held"
        assert await gates_holding(core, result.payout_id) == {"list_review"}


async def test_what_was_paid_by_hand_before_a_list_named_it_can_still_be_recorded(database_dsn):
    rail = ScriptedRail("by-hand", accept, MANUAL)
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1, **BY_HAND)])
        await send_all(core, "by-hand")
        await load(core, "desk 4", kind=ListKind.DENY)
        await load(core, "nobody", kind=ListKind.DENY)

        await manual.settle(core, result.payout_id, proof="receipt 12, this morning", actor="ann")

        assert (await states(core))[result.payout_id] == "paid"
        assert await gates_holding(core, result.payout_id) == set()


async def test_a_destination_that_is_changed_and_changed_back_has_not_cooled_off_anew(database_dsn):
    """The player used it first then, whatever stood there in between; the one in between is new."""
    orders = []
    rail = ScriptedRail("one", noting(orders))
    async with opened_core(database_dsn, [rail], config=COOLING) as core:
        (result,) = await request(core, [reward(1)])
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE address_use SET first_seen_at = first_seen_at - interval '50 minutes'")
        await correct_destination(core, result.payout_id, reward(666).destination, actor="eve")
        held = await gates_holding(core, result.payout_id)
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE address_use SET first_seen_at = first_seen_at - interval '11 minutes'")
            await tx.execute("UPDATE payout SET recheck_at = rr_now()")
        await judge_due(core)
        await send_all(core)

        assert held == {"cooling_off"}
        assert rail.calls == []  # the one in between has cooled for 11 minutes
        await correct_destination(core, result.payout_id, reward(1).destination, actor="eve")
        await send_all(core)
        assert [order.destination.value for order in orders] == ["player1@example.org"]


@pytest.mark.promise("G7")
@pytest.mark.parametrize(("limits", "leaves"), [(DAILY, 0), ("", 1)])
async def test_what_a_day_counted_leaves_in_that_day_or_is_counted_in_the_next(
    database_dsn, monkeypatch, limits, leaves
):
    """The day ends between claim and first byte."""
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=CONFIG + limits) as core:
        (result,) = await request(core, [reward(1)])
        sql = send.sql
        monkeypatch.setattr(
            send, "sql", lambda name: "SELECT 0.0::float8" if name == "seconds_left_in_day" else sql(name)
        )
        claimed = await claim(core, rail, BUDGET, 5)
        seen = [await send.send(core, rail, item) for item in claimed]
        await apply_observations(core, seen)

        assert len(rail.calls) == leaves
        if not leaves:
            assert (await states(core))[result.payout_id] == "ready"
            assert (await read_payout(core, result.payout_id)).tries == 0
            monkeypatch.undo()
            await make_everything_due(core)
            await send_all(core)
            assert len(rail.calls) == 1


async def test_a_day_has_so_many_seconds_left(database_dsn):
    async with opened_core(database_dsn, []) as core, core.database.reading() as connection:
        now, left = await connection.fetchrow(f"SELECT rr_now(), ({send.sql('seconds_left_in_day')})")

        assert (now + timedelta(seconds=left)).isoformat().endswith("T00:00:00+00:00")


@pytest.mark.promise("G1", "G7")
async def test_one_person_does_not_settle_what_became_unknown_just_now(database_dsn, monkeypatch):
    """It was in the queue when they looked, and its outcome is unknown when their word is applied."""
    rail = ScriptedRail("by-hand", accept, MANUAL)
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1, **BY_HAND)])
        await send_all(core, "by-hand")
        apply = manual.apply_observations

        async def unknown_meanwhile(core, seen):
            async with core.database.transaction() as tx:
                await tx.execute("UPDATE attempt SET state = 'unknown'")
                await tx.execute("UPDATE payout SET state = 'outcome_unknown', version = version + 1")
            return await apply(core, seen)

        monkeypatch.setattr(manual, "apply_observations", unknown_meanwhile)
        (answer,) = await manual.record(
            core, [manual.ManualResult(payout_id=result.payout_id, paid=True, words="receipt 12")], "ann"
        )

        assert isinstance(answer, RewardRailsError)
        assert "look at it again" in str(answer)
        assert (await states(core))[result.payout_id] == "outcome_unknown"
        for actor in ("ann", "ben"):
            await resolve(
                core, result.payout_id, outcome=Resolved.PAID, evidence="receipt 12 lies in the safe", actor=actor
            )
        assert (await states(core))[result.payout_id] == "paid"


@pytest.mark.parametrize("words", ["..........", "-- -- -- --", "?!?!?!?!?!?!", " \t.\n."])
async def test_dots_prove_nothing(database_dsn, words):
    rail = ScriptedRail("by-hand", accept, MANUAL)
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1, **BY_HAND)])
        await send_all(core, "by-hand")
        with pytest.raises(ProofRequired, match="receipt"):
            await manual.settle(core, result.payout_id, proof=words, actor="ann")
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE attempt SET state = 'unknown'")
            await tx.execute("UPDATE payout SET state = 'outcome_unknown', version = version + 1")
        with pytest.raises(ProofRequired, match="what you saw"):
            await resolve(core, result.payout_id, outcome=Resolved.PAID, evidence=words, actor="ann")


async def test_a_hold_of_a_gate_outlives_a_crash_between_claim_and_call(database_dsn):
    """A list comes and goes while a worker that claimed a payout is gone; what was never sent is looked into."""
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1)])
        await claim(core, rail, BUDGET, 5)
        await load(core, "player1@example.org", kind=ListKind.SANCTIONS)
        await expire_leases(core)
        await recover(core, rail)
        await make_everything_due(core)
        await send_all(core)

        assert rail.calls == []
        assert {"address_lists", "list_review"} <= await gates_holding(core, result.payout_id)
