"""What changes between the gates' first word and the first byte: a limit, a day, an approval, a pause."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rewardrails.domain.policy.case import CheckKind, CheckResult, ListKind
from rewardrails.engine import legal, manual, operate, pauses, players, quotes
from rewardrails.engine.explain import explain
from rewardrails.engine.gates import again
from rewardrails.engine.gates.again import judge_due
from rewardrails.engine.observe import apply_observations
from rewardrails.engine.pauses import PauseScope, PauseStops
from rewardrails.engine.players import CheckReport, RiskReport
from rewardrails.engine.request import request_of, request_payouts
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.engine.send import claim, send
from rewardrails.errors import ErrorCode, NotCancelableError
from rewardrails.ledger.invariants import verify
from rewardrails.providers.base import Prepared
from rewardrails.providers.capabilities import ProviderType
from tests.support.gates import FOR_EVER, in_force, load
from tests.support.rounds import expire_leases, make_everything_due, recover
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, accept
from tests.support.season import BUDGET, CONFIG, opened_core, request, reward, send_all, states

CHAIN = replace(CAPABILITIES, needs_legal_approval=True)
YESTERDAY = """UPDATE payout SET counted_as = (SELECT COALESCE(jsonb_object_agg(key, (value #>> '{}')::timestamptz
    - interval '1 day'), '{}') FROM jsonb_each(counted_as))"""
LIMITED = '\n[[limits]]\nname = "player-day"\nper = "player"\nhours = 24\nasset = "EUR"\nmax_amount = "30.00"\n'


def distrust(player, score, expires_at=FOR_EVER):
    return RiskReport(player_id=player, score=score, reasons=("bots",), expires_at=expires_at)


async def test_a_limit_that_is_set_now_stops_what_waits_to_be_sent(database_dsn):
    rail = ScriptedRail("one")
    same = [replace(reward(number), player_id="p") for number in range(6)]
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, same)
    async with opened_core(database_dsn, [rail], config=CONFIG + LIMITED) as core:
        await send_all(core)

        assert len(rail.calls) == 3


async def test_a_limit_that_is_set_now_counts_what_is_sent_from_now_on(database_dsn):
    rail = ScriptedRail("one")
    same = [replace(reward(number), player_id="p") for number in range(6)]
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, same[:3])
    async with opened_core(database_dsn, [rail], config=CONFIG + LIMITED) as core:
        await send_all(core)
        await request(core, same[3:])
        await send_all(core)

        assert len(rail.calls) == 3  # 30.00 had left within the window already


async def test_no_more_than_a_day_s_limit_leaves_in_a_day(database_dsn):
    limit = LIMITED.replace("hours = 24", 'window = "calendar_day"')
    rail = ScriptedRail("one")
    same = [replace(reward(number), player_id="p") for number in range(6)]
    async with opened_core(database_dsn, [rail], config=CONFIG + limit) as core:
        await request(core, same[:3])
        async with core.database.transaction() as tx:  # a day passes while sending is paused
            await tx.execute("UPDATE counter SET bucket = bucket - interval '1 day'")
            await tx.execute(YESTERDAY)
        await request(core, same[3:])
        await send_all(core)

        assert len(rail.calls) == 3


async def test_what_a_day_s_limit_holds_goes_on_by_itself_the_next_day(database_dsn):
    limit = LIMITED.replace("hours = 24", 'window = "calendar_day"')
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + limit) as core:
        same = [replace(reward(number), player_id="p") for number in range(4)]
        await request(core, same)
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE counter SET bucket = bucket - interval '1 day'")
            await tx.execute("UPDATE payout SET recheck_at = recheck_at - interval '1 day'")

        await judge_due(core)

        assert set((await states(core)).values()) == {"ready"}


async def test_what_waits_for_an_approval_goes_on_when_its_time_comes(database_dsn):
    rail = ScriptedRail("one", capabilities=CHAIN)
    async with opened_core(database_dsn, [rail]) as core:
        await in_force(core, valid_from=datetime.now(UTC) + timedelta(hours=1))
        (result,) = await request(core, [reward(1)])
        await judge_due(core)
        async with core.database.transaction() as tx:  # an hour passes
            await tx.execute("UPDATE legal_approval SET valid_from = valid_from - interval '1 hour'")
            await tx.execute("UPDATE payout SET recheck_at = recheck_at - interval '1 hour'")

        await judge_due(core)

        assert (await states(core))[result.payout_id] == "ready"


async def test_revoking_while_an_adapter_prepares_stops_what_it_prepares(database_dsn):
    """The worker's own path: `claim` awaits the adapter between the gates and the first byte."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Chain(ScriptedRail):
        async def prepare(self, orders):
            begun.set()
            await go_on.wait()
            return [Prepared(opaque=b"signed", expires_at=None) for _ in orders]

    rail = Chain("one", capabilities=CHAIN)
    async with opened_core(database_dsn, [rail]) as core:
        approval = await in_force(core)
        await request(core, [reward(1)])
        claiming = asyncio.create_task(claim(core, rail, BUDGET, 5))
        await begun.wait()
        await legal.revoke(core, approval.id, reason="the licence lapsed", actor="ann")
        go_on.set()

        await apply_observations(core, [await send(core, rail, item) for item in await claiming])

        assert rail.calls == []


@pytest.mark.promise("G7", "G1")
@pytest.mark.parametrize("is_paused", [False, True])
async def test_what_leaves_late_is_asked_about_once_more(database_dsn, is_paused):
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        (one,) = await request(core, [reward(1)])
        (claimed,) = await claim(core, rail, BUDGET, 5)
        if is_paused:
            made = await pauses.pause(core, scope=PauseScope.EVERYTHING, subject="", reason="x", actor="ann")

        seen = await send(core, rail, replace(claimed, look_before=0.0))
        await apply_observations(core, [seen])

        assert len(rail.calls) == (0 if is_paused else 1)
        assert (await states(core))[one.payout_id] == ("ready" if is_paused else "pending")
        if is_paused:
            await pauses.lift(core, pause_id=made.id, actor="ann")
            await make_everything_due(core)
            await send_all(core)
            assert len(rail.calls) == 1


async def test_what_waits_in_a_queue_for_people_is_judged_again_before_they_pay_it(database_dsn):
    rail = ScriptedRail("by-hand", accept, capabilities=replace(CAPABILITIES, provider_type=ProviderType.MANUAL))
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1, kind="manual_note", value="bad@example.org")])
        await send_all(core, "by-hand")
        await load(core, "bad@example.org", kind=ListKind.SANCTIONS)

        (item,) = await manual.queue(core)
        assert (item.code, item.destination) == (ErrorCode.SCREENING_HOLD, None)


async def test_a_pause_of_everything_stops_the_queue_of_people(database_dsn):
    rail = ScriptedRail("by-hand", accept, capabilities=replace(CAPABILITIES, provider_type=ProviderType.MANUAL))
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1, kind="manual_note", value="x")])
        await send_all(core, "by-hand")
        await pauses.pause(core, scope=PauseScope.EVERYTHING, subject="", reason="incident", actor="ann")

        (item,) = await manual.queue(core)
        assert (item.code, item.destination) == (ErrorCode.PAYOUTS_PAUSED, None)


async def test_what_went_out_before_and_is_stopped_now_is_resolved_by_two_and_canceled_by_nobody(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        (one,) = await request(core, [reward(1)])
        await claim(core, rail, BUDGET, 10)  # this worker dies here; the rail then proves that it never took it
        await expire_leases(core)
        await recover(core, rail)
        await load(core, "player1@example.org", kind=ListKind.SANCTIONS)
        await make_everything_due(core)
        await send_all(core)
        assert (await states(core))[one.payout_id] == "held"
        assert rail.calls == []

        with pytest.raises(NotCancelableError):  # nobody can take back what may still arrive
            await operate.cancel(core, one.payout_id, actor="ann")
        for who in ("ann", "ben"):
            await resolve(
                core, one.payout_id, outcome=Resolved.NOT_PAID, evidence="not in the list of the bank", actor=who
            )

        assert (await states(core))[one.payout_id] == "failed"
        assert (await verify(core.database)).balances


@pytest.mark.parametrize("what", ["risk", "check"])
async def test_a_report_that_stops_a_player_returns_only_when_no_claim_can_miss_it(database_dsn, what):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        async with core.database.transaction() as claiming:
            await claiming.fetch("SELECT FROM provider_state WHERE name = 'one' FOR UPDATE")
            if what == "risk":
                work = players.report_risk(core, [distrust("player:1", 99)], actor="game")
            else:
                report = CheckReport(
                    player_id="player:1",
                    kind=CheckKind.KYC,
                    result=CheckResult.FAILED,
                    reference="k",
                    expires_at=FOR_EVER,
                )
                work = players.report_checks(core, [report], actor="game")
            ordered = asyncio.create_task(work)
            await asyncio.sleep(0.5)
            assert not ordered.done()
        await ordered


async def test_a_pause_of_a_provider_stops_accepting_what_a_quote_sends_there(database_dsn):
    other = CONFIG.replace(
        'destination_kind = "paypal_email"\nprovider = "one"', 'destination_kind = "paypal_email"\nprovider = "two"'
    )
    rails = [ScriptedRail("one"), ScriptedRail("two")]
    async with opened_core(database_dsn, rails, config=other) as core:
        quoted = await quotes.quote(core, reward(1), actor="test")
        assert quoted.provider == "two"
    async with opened_core(database_dsn, rails) as core:
        await pauses.pause(
            core, scope=PauseScope.PROVIDER, subject="two", reason="x", actor="ann", stops=PauseStops.ACCEPTING
        )
        pinned = await quotes.pinned(core, quoted.id, reward(1))
        (result,) = await request_payouts(core, [request_of(core, reward(1), quote=pinned)], "test")

        assert result.payout_id is None


async def test_what_people_hold_does_not_keep_others_from_being_judged(database_dsn, monkeypatch):
    monkeypatch.setattr(again, "RECHECK_BATCH", 2)
    kind = '[destination_kinds.paypal_email]\nparser = "email"\nassets = ["EUR"]\n'
    config = CONFIG.replace(kind, kind + "[destination_kinds.paypal_email.rules]\ncooling_off_hours = 1\n")
    async with opened_core(database_dsn, [ScriptedRail("one")], config=config) as core:
        results = await request(core, [reward(number) for number in range(3)])
        for one in results[:2]:
            await operate.hold(core, one.payout_id, cause="look", actor="ann")
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE address_use SET first_seen_at = first_seen_at - interval '2 hours'")
            for n, one in enumerate(results):
                await tx.execute(
                    "UPDATE payout SET recheck_at = rr_now() - (9 - $2::int) * interval '1 minute' WHERE id = $1",
                    one.payout_id,
                    n,
                )
        for _ in range(5):
            await judge_due(core)

        assert (await states(core))[results[2].payout_id] == "ready"


async def test_explain_says_what_the_limits_looked_at_also_of_a_counted_payout(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + LIMITED) as core:
        (one,) = await request(core, [reward(1)])

        (told,) = [verdict for verdict in (await explain(core, one.payout_id)).verdicts if verdict.gate == "limits"]

        assert told.inputs
