"""Who gets the money: an address and its memo, lists, what a destination was used for before."""

from dataclasses import replace

import pytest

from rewardrails.config.model import Route
from rewardrails.domain.destination import parse_destination
from rewardrails.domain.policy.case import ListKind
from rewardrails.domain.reward import validate_row
from rewardrails.engine import pauses, players
from rewardrails.engine.explain import explain
from rewardrails.engine.gates.again import judge_due
from rewardrails.engine.pauses import PauseScope
from rewardrails.engine.players import RiskReport
from rewardrails.intake.address_lists import read_list
from rewardrails.providers.capabilities import ProviderType
from tests.support.gates import FOR_EVER, load
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, accept
from tests.support.season import CONFIG, opened_core, request, reward, send_all, states


def distrust(player, score, expires_at=FOR_EVER):
    return RiskReport(player_id=player, score=score, reasons=("bots",), expires_at=expires_at)


AMERICA = CONFIG.replace('jurisdictions = ["DE", "PL"]', 'jurisdictions = ["US"]\ndeny_jurisdictions = ["US-CA"]')
EXCHANGE = CONFIG.replace('parser = "note"', 'parser = "exchange_address"').replace(
    "[pools.season-eur]",
    """[destination_kinds.manual_note.rules]
cooling_off_hours = 24
[pools.season-eur]""",
    1,
)


def to_exchange(number, memo):
    wallet = "UQ" + "A" * 46
    return replace(reward(number, kind="manual_note", value=wallet, memo=memo), player_id="p")


async def held_by(core, result):
    return {hold.gate for hold in (await explain(core, result.payout_id)).holds if hold.closed_at is None}


RISKY = CONFIG + "[risk]\nhold_from = 50\n"


async def test_another_customer_of_the_same_exchange_is_a_new_destination_and_cools_off(database_dsn):
    rail = ScriptedRail("by-hand")
    async with opened_core(database_dsn, [rail], config=EXCHANGE) as core:
        await request(core, [to_exchange(1, "memo-of-the-player")])
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE address_use SET first_seen_at = first_seen_at - interval '30 days'")

        stolen, own = await request(core, [to_exchange(2, "memo-of-the-thief"), to_exchange(3, "memo-of-the-player")])

        assert "cooling_off" in await held_by(core, stolen)
        assert "cooling_off" not in await held_by(core, own)


async def test_a_proof_for_one_customer_of_an_exchange_is_none_for_another(database_dsn):
    config = EXCHANGE.replace("cooling_off_hours = 24", 'prove_above = { EUR = "5.00" }')
    async with opened_core(database_dsn, [ScriptedRail("by-hand")], config=config) as core:
        await request(core, [to_exchange(1, "memo-of-the-player")])
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE address_use SET proved_at = rr_now(), proof = 'attested'")

        stolen, own = await request(core, [to_exchange(2, "memo-of-the-thief"), to_exchange(3, "memo-of-the-player")])

        assert "ownership_proof" in await held_by(core, stolen)
        assert "ownership_proof" not in await held_by(core, own)


async def test_a_wallet_paid_by_hand_is_a_blockchain_path_too(database_dsn):
    config = CONFIG.replace('parser = "note"', 'parser = "ton_address"')
    rail = ScriptedRail("by-hand", accept, capabilities=replace(CAPABILITIES, provider_type=ProviderType.MANUAL))
    async with opened_core(database_dsn, [rail], config=config) as core:
        wallet = "UQ" + "A" * 46
        await request(core, [reward(1, kind="manual_note", value=wallet)])
        await send_all(core, "by-hand")

        assert rail.calls == []


AMERICA = CONFIG.replace('jurisdictions = ["DE", "PL"]', 'jurisdictions = ["US"]\ndeny_jurisdictions = ["US-CA"]')


async def test_one_person_does_not_take_a_destination_off_a_sanctions_list(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        await load(core, "player1@example.org", kind=ListKind.SANCTIONS)
        await request(core, [reward(1)])

        await load(core, "nobody@example.org", kind=ListKind.SANCTIONS)  # "a corrected list", by ann alone
        await judge_due(core)
        await send_all(core)

        assert rail.calls == []


@pytest.mark.parametrize("address", ["evil#1@example.org"])
async def test_a_listed_address_with_a_number_sign_is_found(database_dsn, address):
    entries = read_list(f"# our list\n{address}\n".encode()).entries
    to = parse_destination("email", kind="paypal_email", text=address, memo="", network="mainnet")
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        await load(core, *entries, kind=ListKind.SANCTIONS)
        (one,) = await request(core, [reward(1, value=to.value)])

        assert (await states(core))[one.payout_id] == "held"


async def test_a_refused_reward_does_not_begin_the_cooling_off_of_its_destination(database_dsn):
    kind = '[destination_kinds.paypal_email]\nparser = "email"\nassets = ["EUR"]\n'
    config = CONFIG.replace(kind, kind + "[destination_kinds.paypal_email.rules]\ncooling_off_hours = 24\n")
    async with opened_core(database_dsn, [ScriptedRail("one")], config=config, funded=1000) as core:
        thief = replace(reward(1, amount_minor=5000), destination=reward(666).destination)
        (refused,) = await request(core, [thief])
        assert refused.payout_id is None  # the pool cannot bear it: no payout, no hold, no event
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE address_use SET first_seen_at = first_seen_at - interval '25 hours'")

        (later,) = await request(core, [replace(thief, reward_id="r-2", amount_minor=1000)])

        assert (await states(core))[later.payout_id] == "held"


async def test_an_allowed_country_takes_in_its_subdivisions_at_the_door(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=AMERICA) as core:
        cells = ["r", "p", "season", "1.00", "EUR", "US-TX", "paypal_email", "a@example.org", ""]

        assert validate_row(cells, core.config.row_rules()).jurisdiction == "US-TX"


def test_a_route_for_a_country_takes_its_subdivisions():
    route = Route(destination_kind="k", provider="p", jurisdictions=frozenset({"US"}))
    assert route.takes("c", "US-TX", "k", "EUR")


@pytest.mark.parametrize("written", ["player:1 ", "\u00a0player:1"])
async def test_a_pause_reaches_a_player_with_a_space_too_many(database_dsn, written):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])

        await pauses.pause(core, scope=PauseScope.PLAYER, subject=written, reason="fraud", actor="ann")
        await send_all(core)

        assert rail.calls == []


@pytest.mark.parametrize("written", ["player:1 ", "\u00a0player:1"])
async def test_a_score_reaches_a_player_with_a_space_too_many(database_dsn, written):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=RISKY) as core:
        await request(core, [reward(1)])

        await players.report_risk(core, [distrust(written, 99)], actor="key:game")
        await send_all(core)

        assert rail.calls == []
