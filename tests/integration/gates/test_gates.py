"""The gates in the engine: what is accepted, held, released, approved and sent, on a real database."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rewardrails.domain.policy.case import CheckKind, CheckResult, ListKind
from rewardrails.engine import addresses, legal, manual, operate, pauses, players
from rewardrails.engine.explain import explain
from rewardrails.engine.gates.again import judge_due
from rewardrails.engine.operate import correct_destination, release_hold
from rewardrails.engine.pauses import PauseScope
from rewardrails.engine.players import CheckReport, RiskReport
from rewardrails.errors import ErrorCode, Forbidden, ProofRequired, StateConflict
from rewardrails.ledger.invariants import verify
from rewardrails.providers.capabilities import ProviderType
from tests.support.gates import FOR_EVER, an_approval, in_force, load, say_yes
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, explode
from tests.support.season import CONFIG, opened_core, request, reward, send_all, states

CHAIN = replace(CAPABILITIES, needs_legal_approval=True)


def with_gates(more: str, kind_rules: str = "") -> str:
    rules = f"[destination_kinds.paypal_email.rules]\n{kind_rules}\n" if kind_rules else ""
    return CONFIG + rules + more


async def test_a_rail_that_needs_legal_approval_waits_for_one_that_two_people_gave(database_dsn):
    rail = ScriptedRail("one", capabilities=CHAIN)
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1)])
        assert (await states(core))[result.payout_id] == "held"
        recorded = await legal.record(core, an_approval(), actor="ann")
        (early,) = await request(core, [reward(2)])
        assert (await states(core))[early.payout_id] == "held"
        with pytest.raises(Forbidden):
            await legal.confirm(core, recorded.id, actor="ann")
        assert await send_all(core) == []

        await legal.confirm(core, recorded.id, actor="ben")
        await judge_due(core)
        await send_all(core)

        assert (await states(core))[result.payout_id] == "paid"


async def test_revoking_stops_what_was_ready_a_moment_ago(database_dsn):
    rail = ScriptedRail("one", capabilities=CHAIN)
    async with opened_core(database_dsn, [rail]) as core:
        approval = await in_force(core)
        await request(core, [reward(1), reward(2)])
        await send_all(core, wanted=1)

        await legal.revoke(core, approval.id, reason="the licence lapsed", actor="ann")
        await send_all(core)

        assert sorted((await states(core)).values()) == ["held", "paid"]
        assert len(rail.calls) == 1


async def test_an_approval_that_lapses_in_the_middle_of_a_batch_ends_it_there(database_dsn):
    rail = ScriptedRail("one", capabilities=CHAIN)
    async with opened_core(database_dsn, [rail]) as core:
        approval = await in_force(core)
        await request(core, [reward(number) for number in range(6)])
        await send_all(core, wanted=3)
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE legal_approval SET valid_until = rr_now() WHERE id = $1", approval.id)

        await send_all(core)

        assert sorted((await states(core)).values()) == ["held"] * 3 + ["paid"] * 3
        assert (await verify(core.database)).balances


async def test_the_total_of_an_approval_is_never_exceeded_by_many_at_once(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one", capabilities=CHAIN)], connections=20) as core:
        await in_force(core, max_total_minor=5000)

        await asyncio.gather(*(request(core, [reward(number)]) for number in range(16)))

        assert sorted((await states(core)).values()) == ["held"] * 11 + ["ready"] * 5


async def test_what_another_approval_takes_over_counts_there_too(database_dsn):
    rail = ScriptedRail("one", capabilities=CHAIN)
    async with opened_core(database_dsn, [rail]) as core:
        first = await in_force(core)
        results = await request(core, [reward(number) for number in range(6)])
        await in_force(core, max_total_minor=2000)
        await legal.revoke(core, first.id, reason="replaced by a smaller one", actor="ann")

        await asyncio.gather(*(send_all(core, wanted=2) for _ in range(3)))
        await send_all(core)

        assert len(results) == 6
        assert sorted((await states(core)).values()) == ["held"] * 4 + ["paid"] * 2
        assert len(rail.calls) == 2


LIMITED = """
[[limits]]
name = "player-day"
per = "player"
hours = 24
asset = "EUR"
max_amount = "30.00"
"""


async def test_a_limit_holds_what_goes_beyond_it_however_it_arrives(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=with_gates(LIMITED), connections=20) as core:
        same_player = [replace(reward(number), player_id="p") for number in range(12)]

        await asyncio.gather(request(core, same_player[:4]), *(request(core, [one]) for one in same_player[4:]))

        assert sorted((await states(core)).values()) == ["held"] * 9 + ["ready"] * 3


async def test_rewards_sent_again_count_once(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=with_gates(LIMITED)) as core:
        rewards = [replace(reward(number), player_id="p") for number in range(3)]
        await request(core, rewards[:2])

        await request(core, rewards)

        assert sorted((await states(core)).values()) == ["ready"] * 3


async def test_what_a_person_overrules_needs_a_reason_and_goes_on(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=with_gates(LIMITED)) as core:
        (result,) = await request(core, [reward(1, amount_minor=3001)])
        with pytest.raises(ProofRequired):
            await release_hold(core, result.payout_id, actor="ann")

        await release_hold(core, result.payout_id, actor="ann", reason="a winner of the finals", overrules=["limits"])
        await send_all(core)

        assert (await states(core))[result.payout_id] == "paid"
        (found,) = (await explain(core, result.payout_id)).holds
        assert (found.gate, found.closed_by) == ("limits", "ann")


async def test_nobody_overrules_a_sanctions_list(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        await load(core, "player1@example.org", kind=ListKind.SANCTIONS)
        (hit, clear) = await request(core, [reward(1), reward(2)])

        with pytest.raises(StateConflict, match="sdn"):
            await release_hold(core, hit.payout_id, actor="ann", reason="we know them")

        found = await states(core)
        assert (found[hit.payout_id], found[clear.payout_id]) == ("held", "ready")
        told = await explain(core, hit.payout_id)
        assert "sdn" not in told.player_text
        assert "screen" not in told.player_text.lower()


async def test_a_list_loaded_after_acceptance_stops_the_sending(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1), reward(2)])
        await load(core, "player2@example.org", kind=ListKind.DENY)

        await send_all(core)

        assert sorted((await states(core)).values()) == ["held", "paid"]


async def test_a_player_without_a_check_waits_and_goes_on_when_it_has_passed(database_dsn):
    config = CONFIG.replace("[campaigns.season]", '[campaigns.season]\nrequires = ["kyc"]')
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=config) as core:
        (result,) = await request(core, [reward(1)])
        assert (await explain(core, result.payout_id)).verdicts[2].inputs == {"kyc": "missing"}

        report = CheckReport(
            player_id="player:1",
            kind=CheckKind.KYC,
            result=CheckResult.PASSED,
            reference="kyc-77",
            expires_at=FOR_EVER,
        )
        await players.report_checks(core, [report], actor="key:game")
        await judge_due(core)
        await send_all(core)

        assert (await states(core))[result.payout_id] == "paid"


async def test_distrust_that_comes_before_the_sending_stops_it(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=with_gates("[risk]\nhold_from = 70\n")) as core:
        (result,) = await request(core, [reward(1)])
        report = RiskReport(player_id="player:1", score=70, reasons=("many accounts",), expires_at=FOR_EVER)
        await players.report_risk(core, [report], actor="key:game")

        await send_all(core)

        assert (await states(core))[result.payout_id] == "held"


async def test_a_new_destination_cools_off_and_is_sent_by_itself(database_dsn):
    config = with_gates("", "cooling_off_hours = 1")
    async with opened_core(database_dsn, [ScriptedRail("one")], config=config) as core:
        (result,) = await request(core, [reward(1)])
        assert await judge_due(core) == 0
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE address_use SET first_seen_at = first_seen_at - interval '1 hour'")
            await tx.execute("UPDATE payout SET recheck_at = recheck_at - interval '1 hour'")

        await judge_due(core)
        await send_all(core)

        assert (await states(core))[result.payout_id] == "paid"


async def test_players_who_share_a_destination_are_held_also_when_they_come_at_once(database_dsn):
    config = with_gates("", "max_players = 2")
    async with opened_core(database_dsn, [ScriptedRail("one")], config=config, connections=20) as core:
        rewards = [reward(number, value="shared@example.org") for number in range(6)]

        await asyncio.gather(*(request(core, [one]) for one in rewards))

        assert sorted((await states(core)).values()) == ["held"] * 4 + ["ready"] * 2


TWO_PEOPLE = """
[[approvals]]
name = "large"
needs = 2
asset = "EUR"
above = "20.00"
"""


async def test_large_payouts_wait_for_two_people_of_whom_none_made_them(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=with_gates(TWO_PEOPLE)) as core:
        small, large = await request(core, [reward(1, amount_minor=2000), reward(2, amount_minor=2001)])
        found = await states(core)
        assert (found[small.payout_id], found[large.payout_id]) == ("ready", "awaiting_approval")
        with pytest.raises(Forbidden):
            await say_yes(core, [large.payout_id], actor="test")

        await say_yes(core, [large.payout_id], actor="ann")
        await say_yes(core, [large.payout_id], actor="ann")
        assert (await states(core))[large.payout_id] == "awaiting_approval"
        await say_yes(core, [large.payout_id], actor="ben")
        await send_all(core)

        assert (await states(core))[large.payout_id] == "paid"


async def test_a_player_whose_payout_was_paid_is_not_told_that_it_is_under_way(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        (result,) = await request(core, [reward(1)])
        before = (await explain(core, result.payout_id)).player_text
        await send_all(core)

        after = (await explain(core, result.payout_id)).player_text

        assert (before, "has been sent" in after) == ("Your payout is being worked on.", True)


async def test_another_destination_voids_the_approvals(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=with_gates(TWO_PEOPLE)) as core:
        (result,) = await request(core, [reward(1, amount_minor=2001)])
        await say_yes(core, [result.payout_id], actor="ann")
        await say_yes(core, [result.payout_id], actor="ben")

        await correct_destination(core, result.payout_id, reward(9).destination, actor="ops")

        assert (await states(core))[result.payout_id] == "awaiting_approval"


async def test_many_approvals_at_once_let_through_exactly_what_two_people_signed(database_dsn, trials):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=with_gates(TWO_PEOPLE), connections=20) as core:
        results = await request(core, [reward(number, amount_minor=2001) for number in range(60)])
        ids = [result.payout_id for result in results]

        async def sign(who, some):
            for payout_id in some:
                try:
                    await say_yes(core, [payout_id], actor=who)
                except StateConflict:
                    continue  # two others were faster

        await asyncio.gather(sign("ann", ids), sign("ben", ids[:40]), sign("cem", ids[20:]), sign("ann", ids))

        async with core.database.reading() as connection:
            wrong = await connection.fetchval(
                """SELECT count(*) FROM payout WHERE (state = 'ready') <>
                   ((SELECT count(DISTINCT approver) FROM sign_off WHERE payout_id = payout.id) >= 2)"""
            )
        assert wrong == 0
        assert set((await states(core)).values()) == {"ready"}
        trials(len(ids))


async def test_a_person_s_hold_outlasts_every_fact(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        (result,) = await request(core, [reward(1)])
        await operate.hold(core, result.payout_id, cause="look at this", actor="ann")
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE payout SET recheck_at = rr_now()")

        await judge_due(core)

        assert (await states(core))[result.payout_id] == "held"
        assert (await explain(core, result.payout_id)).holds[0].why == "look at this"


async def test_a_payout_stored_before_there_were_gates_is_judged_by_its_destination(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        await request(core, [reward(1), reward(2)])
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE payout SET address_digest = NULL, recipient_digest = NULL, counted_as = NULL")
        await load(core, "player1@example.org", kind=ListKind.SANCTIONS)

        await send_all(core)

        assert sorted((await states(core)).values()) == ["held", "paid"]


async def test_a_list_never_gives_way_to_an_older_one(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        await load(core, "a@example.org", kind=ListKind.DENY)
        older = addresses.NewList(
            name="sdn",
            kind=ListKind.DENY,
            source="x",
            dated=datetime.now(UTC) - timedelta(days=1),
            sha256=b"o" * 32,
            entries=(),
        )

        with pytest.raises(Exception, match="newer") as refused:
            await addresses.load_list(core, older, actor="ann")

        assert refused.value.code is ErrorCode.FIELD_INVALID
        assert [found.entries for found in await addresses.lists(core)] == [1]


@pytest.mark.parametrize("written", ["player1@EXAMPLE.ORG", "Player1@example.org", "player1@example.org"])
@pytest.mark.parametrize("asked", ["player1@example.org", "PLAYER1@example.org"])
async def test_a_listed_destination_is_found_however_it_is_written(database_dsn, written, asked):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        await load(core, written, kind=ListKind.SANCTIONS)

        (result,) = await request(core, [reward(1, value=asked)])

        assert (await states(core))[result.payout_id] == "held"


async def test_what_keeps_a_payout_from_being_sent_is_told_after_the_gates(database_dsn):
    """Pauses that apply to it, and those alone; a provider that is off; nothing of what was sent."""
    off = CONFIG.replace('adapter = "fake"\nenabled = true', 'adapter = "fake"\nenabled = false', 1)
    async with opened_core(database_dsn, [ScriptedRail("one")], config=off) as core:
        (result,) = await request(core, [reward(1)])
        made = [
            await pauses.pause(core, scope=scope, subject=subject, reason=f"because {subject}", actor="ann")
            for scope, subject in (
                (PauseScope.EVERYTHING, ""),
                (PauseScope.PROVIDER, "one"),
                (PauseScope.CAMPAIGN, "season"),
                (PauseScope.PLAYER, "player:1"),
                (PauseScope.PLAYER, "player:2"),
                (PauseScope.PROVIDER, "two"),
            )
        ]

        told = await explain(core, result.payout_id)

        stops = [one for one in told.verdicts if one.gate in ("pause", "provider")]
        assert [one.inputs.get("pause") for one in stops] == [*(str(one.id) for one in made[:4]), None]
        assert [one.code for one in stops] == [ErrorCode.PAYOUTS_PAUSED] * 4 + [ErrorCode.PROVIDER_DISABLED]
        assert f"rewardrails pause lift {made[0].id}" in stops[0].next_step
        assert "because" not in told.player_text


async def test_nothing_keeps_back_what_has_been_sent(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)
        await pauses.pause(core, scope=PauseScope.EVERYTHING, subject="", reason="audit", actor="ann")

        told = await explain(core, result.payout_id)

        assert {one.gate for one in told.verdicts} & {"pause", "provider"} == set()


async def test_a_campaign_that_was_taken_out_of_the_configuration_pays_nobody_and_can_be_paused(database_dsn):
    block = '[campaigns.season]\njurisdictions = ["DE", "PL"]\npools = { EUR = "season-eur", USD = "season-usd" }\n'
    assert block in CONFIG
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1)])
    async with opened_core(database_dsn, [rail], config=CONFIG.replace(block, "")) as core:
        await send_all(core)
        paused = await pauses.pause(core, scope=PauseScope.CAMPAIGN, subject="season", reason="gone", actor="ann")

        assert (await states(core))[result.payout_id] == "held"
        assert (rail.calls, paused.subject) == ([], "season")


async def test_an_unknown_outcome_is_nobody_s_alone_also_on_a_manual_rail(database_dsn):
    rail = ScriptedRail("by-hand", explode, replace(CAPABILITIES, provider_type=ProviderType.MANUAL))
    async with opened_core(database_dsn, [rail]) as core:
        (result,) = await request(core, [reward(1, asset="USD", kind="manual_note", value="desk 4")])
        await send_all(core, "by-hand")

        for alone in (
            manual.settle(core, result.payout_id, proof="receipt", actor="ann"),
            manual.refuse(core, result.payout_id, reason="nobody", actor="ann"),
        ):
            with pytest.raises(StateConflict, match="two people"):
                await alone

        assert (await states(core))[result.payout_id] == "outcome_unknown"
