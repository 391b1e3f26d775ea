"""Rules that change, and cases that change, after a person or a counter had their say."""

from dataclasses import replace

import pytest

from rewardrails.domain.policy.case import ListKind
from rewardrails.engine import players
from rewardrails.engine.explain import explain
from rewardrails.engine.gates.again import judge_due
from rewardrails.engine.operate import release_hold
from rewardrails.engine.players import RiskReport
from tests.support.gates import FOR_EVER, load
from tests.support.scripted_rail import ScriptedRail
from tests.support.season import CONFIG, opened_core, request, reward, send_all, states

KIND = '[destination_kinds.paypal_email]\nparser = "email"\nassets = ["EUR"]\n'
NARROW = CONFIG.replace(KIND, KIND + "[destination_kinds.paypal_email.rules]\nmax_players = 1\nmax_per_player = 1\n")
SMALL = '\n[[limits]]\nname = "small"\nper = "payout"\nasset = "EUR"\nmax_amount = "5.00"\n'
INCIDENT = '\n[[limits]]\nname = "incident"\nper = "everything"\nhours = 1\nmax_count = 0\n'


def cap(per="player", hours=24, **bounds):
    lines = "".join(f"{key} = {value}\n" for key, value in bounds.items())
    window = f"hours = {hours}\n" if hours else ""
    return f'\n[[limits]]\nname = "cap"\nper = "{per}"\n{window}{lines}'


async def open_holds(core, payout_id):
    return {hold.gate for hold in (await explain(core, payout_id)).holds if hold.closed_at is None}


async def overrule(core, payout_id, *gates):
    await release_hold(core, payout_id, actor="ann", reason="agreed with finance", overrules=gates)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (cap("player", max_count=9), cap("everything", max_count=2)),
        (cap("everything", max_count=9), cap("everything", asset='"EUR"', max_amount='"20.00"')),
        (cap("everything", hours=0, max_count=9), cap("everything", hours=1, max_count=2)),
        (cap("everything", hours=48, max_count=9), cap("everything", hours=1, max_count=2)),
    ],
    ids=["whose", "unit", "from ever to an hour", "from days to an hour"],
)
async def test_a_limit_that_counts_something_else_by_now_stops_what_is_queued(database_dsn, before, after):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=CONFIG + before) as core:
        await request(core, [reward(number) for number in range(5)])
        async with core.database.transaction() as tx:  # a part of the old window begins anew
            await tx.execute("UPDATE counter SET bucket = bucket - interval '90 minutes' WHERE bucket > 'epoch'")
    async with opened_core(database_dsn, [rail], config=CONFIG + after) as core:
        await send_all(core)

        assert len(rail.calls) == 2


async def test_a_number_that_becomes_a_value_counts_what_is_queued(database_dsn):
    rail = ScriptedRail("one")
    value = cap("everything", max_amount='"20.00"')
    async with opened_core(database_dsn, [rail], config=CONFIG + cap("everything", max_count=9)) as core:
        await request(core, [reward(number) for number in range(5)])
        async with core.database.transaction() as tx:
            await tx.execute(
                "INSERT INTO rate (asset, value, dated, source, set_by) VALUES ('EUR', 1, now(), 's', 'ann')"
            )
    async with opened_core(database_dsn, [rail], config=CONFIG + value) as core:
        await send_all(core)

        assert len(rail.calls) == 2


async def test_another_maximum_keeps_what_was_counted(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=CONFIG + cap("everything", max_count=9)) as core:
        await request(core, [reward(number) for number in range(3)])
        await send_all(core)
    async with opened_core(database_dsn, [rail], config=CONFIG + cap("everything", max_count=4)) as core:
        await request(core, [reward(number) for number in range(3, 6)])
        await send_all(core)

        assert len(rail.calls) == 4


async def test_what_a_person_let_past_one_limit_meets_the_next_one(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=CONFIG + SMALL) as core:
        (result,) = await request(core, [reward(1)])
        await overrule(core, result.payout_id, "limits")
    async with opened_core(database_dsn, [rail], config=CONFIG + SMALL + INCIDENT) as core:
        await send_all(core)

        assert rail.calls == []
        assert await open_holds(core, result.payout_id) == {"limits"}


async def test_a_person_lets_a_payout_past_all_the_limits_that_stop_it_at_once(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=CONFIG + SMALL + INCIDENT) as core:
        (result,) = await request(core, [reward(1)])
        why = {verdict.gate: verdict.why for verdict in (await explain(core, result.payout_id)).verdicts}
        await overrule(core, result.payout_id, "limits")
        await send_all(core)

        assert "'small'" in why["limits"]
        assert "'incident'" in why["limits"]
        assert len(rail.calls) == 1


async def test_many_players_at_a_destination_overruled_are_not_many_destinations_of_a_player(database_dsn):
    rail = ScriptedRail("one")
    shared = [replace(reward(number), destination=reward(1).destination) for number in range(1, 5)]
    async with opened_core(database_dsn, [rail], config=NARROW) as core:
        (first, *_) = await request(core, shared[:1])
        await request(core, shared[1:])
        await request(core, [replace(reward(20), player_id="player:3")])  # two destinations: not four, as players are
        held = [one for one, state in (await states(core)).items() if state == "held"]
        by_player = await _player_of(core, held)
        await overrule(core, by_player["player:2"], "shared_destination")
        await request(core, [replace(reward(21), player_id="player:2")])  # by now player:2 has two as well
        await send_all(core)

        assert first.payout_id != by_player["player:2"]
        assert await open_holds(core, by_player["player:2"]) == {"shared_destination"}


async def test_a_destination_that_is_listed_anew_is_looked_at_anew(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        await load(core, "player1@example.org", kind=ListKind.SANCTIONS)
        (result,) = await request(core, [reward(1)])
        await load(core, "nobody@example.org", kind=ListKind.SANCTIONS)
        await judge_due(core)
        await overrule(core, result.payout_id, "list_review")  # a person compared it with the source, and it is ready
        await load(core, "player1@example.org", kind=ListKind.SANCTIONS)
        await send_all(core)
        await load(core, "nobody@example.org", kind=ListKind.SANCTIONS)
        await judge_due(core)
        await send_all(core)

        assert rail.calls == []
        assert await open_holds(core, result.payout_id) == {"list_review"}


async def test_a_score_that_was_worse_in_between_is_looked_at_anew(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=CONFIG + "[risk]\nhold_from = 50\n") as core:
        await players.report_risk(core, [_distrust(55)], actor="key:game")
        (result,) = await request(core, [reward(1)])
        await overrule(core, result.payout_id, "risk")
        await players.report_risk(core, [_distrust(100)], actor="key:game")
        await send_all(core)
        await players.report_risk(core, [_distrust(55)], actor="key:game")
        await judge_due(core)
        await send_all(core)

        assert rail.calls == []


def _distrust(score):
    return RiskReport(player_id="player:1", score=score, reasons=("bots",), expires_at=FOR_EVER)


async def _player_of(core, payout_ids):
    async with core.database.reading() as connection:
        rows = await connection.fetch("SELECT id, player_id FROM payout WHERE id = ANY ($1::uuid[])", payout_ids)
    return {row["player_id"]: row["id"] for row in rows}
