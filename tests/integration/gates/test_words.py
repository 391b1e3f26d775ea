"""Words of people: an approval is for what was shown, a release for what it names, and never one's own."""

import pytest

from rewardrails.engine import batches, operate, players
from rewardrails.engine.approve import approve, approve_batch, waiting
from rewardrails.engine.gates.again import judge_due
from rewardrails.engine.operate import correct_destination, release_hold
from rewardrails.engine.players import RiskReport
from rewardrails.engine.read import read_payout
from rewardrails.engine.request import request_of, request_payouts
from rewardrails.errors import Forbidden, ProofRequired, StateConflict
from rewardrails.intake.reader import FileFormat
from rewardrails.security import keys
from rewardrails.security.roles import Role
from rewardrails.security.scopes import Scope
from tests.support.batches import stage_file
from tests.support.gates import FOR_EVER, say_yes
from tests.support.people import person
from tests.support.scripted_rail import ScriptedRail
from tests.support.season import CONFIG, opened_core, request, reward, send_all, states

ONE_PERSON = '\n[[approvals]]\nname = "large"\nneeds = 1\nasset = "EUR"\nabove = "20.00"\n'
LIMITED = '\n[[limits]]\nname = "player-day"\nper = "player"\nhours = 24\nasset = "EUR"\nmax_amount = "30.00"\n'
HEADER = "reward_id,player_id,campaign,amount,asset,jurisdiction,destination_kind,destination,memo\n"


def distrust(player, score, expires_at=FOR_EVER):
    return RiskReport(player_id=player, score=score, reasons=("bots",), expires_at=expires_at)


RISKY = CONFIG + "[risk]\nhold_from = 50\n"


async def test_a_batch_approval_covers_the_destinations_that_were_shown(database_dsn, tmp_path):
    (tmp_path / "f.csv").write_text(HEADER + "r-1,player:1,season,60.00,EUR,DE,paypal_email,a@example.org,\n")
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + ONE_PERSON) as core:
        batch_id = await batches.open_batch(core, name="f", file_format=FileFormat.CSV, actor="ann")
        await stage_file(core, tmp_path / "f.csv", into=batch_id)
        await batches.start(core, batch_id, actor="ann")
        await batches.start_chunk(core)
        (payout_id,) = await states(core)
        seen = await waiting(core, batch_id)
        await correct_destination(core, payout_id, reward(666).destination, actor="eve")

        with pytest.raises(StateConflict):
            await approve_batch(core, batch_id, seen=seen, actor="ben")


async def test_an_approval_of_a_payout_covers_the_destination_that_was_shown(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + ONE_PERSON) as core:
        (result,) = await request(core, [reward(1, amount_minor=6000)])
        shown = {result.payout_id: (await read_payout(core, result.payout_id)).approval_digest}
        await correct_destination(core, result.payout_id, reward(666).destination, actor="eve")
        with pytest.raises(StateConflict, match="look again"):
            await approve(core, shown, actor="ben")

        assert (await states(core))[result.payout_id] == "awaiting_approval"


async def test_a_release_overrules_the_score_it_was_given_for_and_no_worse_one(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=RISKY) as core:
        await players.report_risk(core, [distrust("player:1", 55)], actor="key:game")
        (result,) = await request(core, [reward(1)])
        await release_hold(core, result.payout_id, actor="ann", reason="55 is nothing", overrules=["risk"])
        await players.report_risk(core, [distrust("player:1", 100)], actor="key:game")

        await send_all(core)

        assert rail.calls == []


async def test_a_release_names_what_it_overrules(database_dsn):
    kind = '[destination_kinds.paypal_email]\nparser = "email"\nassets = ["EUR"]\n'
    config = RISKY.replace(kind, kind + "[destination_kinds.paypal_email.rules]\ncooling_off_hours = 24\n")
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=config) as core:
        (result,) = await request(core, [reward(1)])  # the operator sees: cooling off
        await players.report_risk(core, [distrust("player:1", 99)], actor="key:game")
        await judge_due(core)
        with pytest.raises(ProofRequired, match="risk"):
            await release_hold(
                core, result.payout_id, actor="ann", reason="it is their old address", overrules=["cooling_off"]
            )

        await send_all(core)

        assert rail.calls == []


async def test_nobody_overrules_a_limit_for_a_payout_they_asked_for(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + LIMITED) as core:
        (result,) = await request(core, [reward(1, amount_minor=3001)])

        with pytest.raises(Forbidden):
            await release_hold(core, result.payout_id, actor="test", reason="trust me", overrules=["limits"])


async def test_an_overruling_ends_with_a_change_also_when_it_is_changed_back(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + LIMITED) as core:
        (result,) = await request(core, [reward(1, amount_minor=3001)])
        await release_hold(core, result.payout_id, actor="ann", reason="a winner", overrules=["limits"])
        await correct_destination(core, result.payout_id, reward(9).destination, actor="eve")
        await correct_destination(core, result.payout_id, reward(1).destination, actor="eve")

        assert (await states(core))[result.payout_id] == "held"


async def test_nobody_releases_their_own_payout_from_another_person_s_hold_without_a_word(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        (one,) = await request(core, [reward(1)])
        await operate.hold(core, one.payout_id, cause="under investigation", actor="compliance")

        with pytest.raises(ProofRequired):
            await release_hold(core, one.payout_id, actor="ann")
        with pytest.raises(Forbidden):
            await release_hold(core, one.payout_id, actor="test", reason="it is mine")


async def test_a_rule_about_a_creator_is_about_their_keys_too(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        ann = await person(core, Role.ADMIN, name="ann")
        key, _ = await keys.create_key(
            core.database, core.vault, name="k", scopes=frozenset({Scope.READ}), actor=ann.actor
        )
    rule = f'\n[[approvals]]\nname = "new-hand"\nneeds = 1\ncreators = ["{ann.actor}"]\n'
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + rule) as core:
        (own,) = await request_payouts(core, [request_of(core, reward(1))], ann.actor)
        (by_key,) = await request_payouts(core, [request_of(core, reward(2))], key.actor)

        found = await states(core)
        assert (found[own.payout_id], found[by_key.payout_id]) == ("awaiting_approval", "awaiting_approval")


async def test_a_rule_about_a_creator_is_about_who_staged_the_file_too(database_dsn, tmp_path):
    (tmp_path / "f.csv").write_text(HEADER + "r-1,player:1,season,60.00,EUR,DE,paypal_email,a@example.org,\n")
    rule = '\n[[approvals]]\nname = "new-hand"\nneeds = 1\ncreators = ["ann"]\n'
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + rule) as core:
        batch_id = await batches.open_batch(core, name="f", file_format=FileFormat.CSV, actor="ann")
        await stage_file(core, tmp_path / "f.csv", into=batch_id)
        await batches.start(core, batch_id, actor="ben")
        await batches.start_chunk(core)

        assert list((await states(core)).values()) == ["awaiting_approval"]


async def test_whoever_wrote_the_present_destination_is_not_counted_by_an_earlier_word(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=CONFIG + ONE_PERSON.replace('"20.00"', '"90.00"')) as core:
        (result,) = await request(core, [reward(1, amount_minor=9001)])
        await say_yes(core, [result.payout_id], actor="ann")
        await correct_destination(core, result.payout_id, reward(9).destination, actor="ann")
        await correct_destination(core, result.payout_id, reward(1).destination, actor="ann")

        await send_all(core)

        assert rail.calls == []  # ann wrote what it says now, so ann's word does not count
