"""What was tried against the gates in vain: each test is an attack that fails."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rewardrails.domain.policy.case import CheckKind, CheckResult, ListKind
from rewardrails.domain.policy.judge import GATES
from rewardrails.domain.reward import validate_row
from rewardrails.engine import batches, legal, operate, pauses, players, rates
from rewardrails.engine.erase import ErasureRequest, erase_players
from rewardrails.engine.explain import BEING_CHECKED, explain
from rewardrails.engine.gates.again import judge_due
from rewardrails.engine.operate import cancel, correct_destination, release_hold, retry
from rewardrails.engine.players import CheckReport, RiskReport
from rewardrails.errors import RewardRailsError, StateConflict
from rewardrails.intake.reader import FileFormat
from tests.support.batches import stage_file
from tests.support.gates import FOR_EVER, in_force, load
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, refuse, settle
from tests.support.season import CONFIG, opened_core, request, reward, send_all, states

CHAIN = replace(CAPABILITIES, needs_legal_approval=True)
KIND = '[destination_kinds.paypal_email]\nparser = "email"\nassets = ["EUR"]\n'
HEADER = "reward_id,player_id,campaign,amount,asset,jurisdiction,destination_kind,destination,memo\n"


def limit(per, **more):
    fields = {"hours": "24", "asset": '"EUR"', "max_amount": '"30.00"'} | more
    lines = "".join(f"{key} = {value}\n" for key, value in fields.items() if value)
    return f'\n[[limits]]\nname = "l"\nper = "{per}"\n{lines}'


def rules(text):
    return CONFIG.replace(KIND, KIND + f"[destination_kinds.paypal_email.rules]\n{text}\n")


def same(numbers):
    return [replace(reward(number), player_id="p") for number in numbers]


def check(result=CheckResult.PASSED, kind=CheckKind.KYC, **more):
    return CheckReport(
        **{"player_id": "player:1", "kind": kind, "result": result, "reference": "k", "expires_at": FOR_EVER} | more
    )


async def sql(core, statement):
    async with core.database.transaction() as tx:
        await tx.execute(statement)


async def counts(core):
    found = list((await states(core)).values())
    return {state: found.count(state) for state in set(found)}


async def test_many_corrected_to_one_destination_meet_its_limit(database_dsn):
    async with opened_core(
        database_dsn, [ScriptedRail("one")], config=CONFIG + limit("destination"), connections=20
    ) as core:
        results = await request(core, [reward(number) for number in range(6)])

        await asyncio.gather(
            *(correct_destination(core, one.payout_id, reward(99).destination, actor="eve") for one in results)
        )

        assert await counts(core) == {"ready": 3, "held": 3}


async def test_a_failed_payout_corrected_and_retried_meets_sharing_and_limits(database_dsn):
    rail = ScriptedRail("one", refuse())
    async with opened_core(database_dsn, [rail], config=rules("max_players = 1")) as core:
        (one,) = await request(core, [reward(1)])
        await send_all(core)
        rail.script = settle
        await request(core, [reward(2, value="shared@example.org")])
        await correct_destination(core, one.payout_id, reward(2, value="shared@example.org").destination, actor="eve")
        await retry(core, one.payout_id, actor="eve")
        calls = len(rail.calls)

        await send_all(core)

        assert len(rail.calls) <= calls + 1
        assert (await states(core))[one.payout_id] == "held"


async def test_one_player_s_many_destinations_at_once(database_dsn):
    async with opened_core(
        database_dsn, [ScriptedRail("one")], config=rules("max_per_player = 2"), connections=20
    ) as core:
        await asyncio.gather(*(request(core, [one]) for one in same(range(8))))

        assert await counts(core) == {"ready": 2, "held": 6}


async def test_a_total_over_two_rails_in_the_reference_unit_at_once(database_dsn):
    config = CONFIG + limit("everything", asset="")
    async with opened_core(
        database_dsn, [ScriptedRail("one"), ScriptedRail("by-hand")], config=config, connections=20
    ) as core:
        await rates.set_rates(core, {"EUR": "1", "USD": "0.5"}, dated=datetime.now(UTC), source="x", actor="t")
        mine = [reward(number) for number in range(8)]
        theirs = [reward(10 + number, asset="USD", kind="manual_note", value=f"n{number}") for number in range(8)]
        await asyncio.gather(*(request(core, [one]) for one in mine + theirs))
        async with core.database.reading() as connection:
            total = await connection.fetchval(
                "SELECT ceil(sum(CASE asset WHEN 'EUR' THEN amount ELSE amount / 2 END))::bigint "
                "FROM payout WHERE state = 'ready'"
            )
        assert 2500 <= total <= 3000


@pytest.mark.parametrize("how", ["cancel", "fail"])
async def test_what_is_canceled_or_fails_gives_no_room_back(database_dsn, how):
    rail = ScriptedRail("one", refuse())
    async with opened_core(database_dsn, [rail], config=CONFIG + limit("player")) as core:
        for one in await request(core, same(range(3))):
            if how == "cancel":
                await cancel(core, one.payout_id, actor="ops")
        if how == "fail":
            await send_all(core)

        (next_one,) = await request(core, same([9]))

        assert (await states(core))[next_one.payout_id] == "held"


async def test_a_retry_counts_once(database_dsn):
    rail = ScriptedRail("one", refuse())
    async with opened_core(database_dsn, [rail], config=CONFIG + limit("player")) as core:
        (first,) = await request(core, same([1]))
        await send_all(core)
        rail.script = settle
        await retry(core, first.payout_id, actor="ops")
        await send_all(core)

        await request(core, same([2, 3]))

        assert await counts(core) == {"paid": 1, "ready": 2}


@pytest.mark.parametrize(("cents", "state"), [(2999, "ready"), (3000, "ready"), (3001, "held")])
@pytest.mark.parametrize("per", ["payout", "player", "destination", "pool", "campaign", "provider", "everything"])
async def test_both_sides_of_each_limit_s_edge(database_dsn, per, cents, state):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + limit(per)) as core:
        (one,) = await request(core, [reward(1, amount_minor=cents)])
        assert (await states(core))[one.payout_id] == state


async def test_no_attempt_begins_once_revoking_has_returned_however_many_claim(database_dsn):
    rail = ScriptedRail("one", capabilities=CHAIN)
    async with opened_core(database_dsn, [rail], connections=20) as core:
        approval = await in_force(core)
        await request(core, [reward(number) for number in range(60)])
        begun = []

        async def attempts():
            async with core.database.reading() as connection:
                return await connection.fetchval("SELECT count(*) FROM attempt")

        async def revoke():
            await asyncio.sleep(0.03)
            await legal.revoke(core, approval.id, reason="x", actor="ann")
            begun.append(await attempts())

        async def work():
            for _ in range(6):
                await send_all(core, wanted=2)

        await asyncio.gather(revoke(), *(work() for _ in range(5)))

        assert begun == [await attempts()]


@pytest.mark.parametrize(
    "other",
    [
        {"adapter": "manual"},
        {"assets": frozenset({"USD"})},
        {"jurisdictions": frozenset({"PL"})},
        {"jurisdictions": frozenset({"DE-BE"})},
        {"jurisdictions": frozenset({"de"})},
        {"campaigns": frozenset({"other"})},
        {"valid_from": FOR_EVER - timedelta(days=1)},
        {"valid_until": datetime(2021, 1, 1, tzinfo=UTC)},
        {"max_total_minor": 999},
        {"max_per_player_minor": 999},
    ],
)
async def test_an_approval_of_something_else_allows_nothing(database_dsn, other):
    async with opened_core(database_dsn, [ScriptedRail("one", capabilities=CHAIN)]) as core:
        await in_force(core, **other)
        (one,) = await request(core, [reward(1)])
        assert (await states(core))[one.payout_id] == "held"


async def test_the_maximum_for_one_player_holds_at_once_and_exactly(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one", capabilities=CHAIN)], connections=20) as core:
        await in_force(core, max_per_player_minor=3000)
        await asyncio.gather(*(request(core, [one]) for one in same(range(8))))
        assert await counts(core) == {"ready": 3, "held": 5}


@pytest.mark.parametrize("how", ["expired", "failed", "pending", "too young", "rate"])
async def test_what_changes_after_acceptance_stops_the_sending(database_dsn, how):
    config = CONFIG.replace(
        "[campaigns.season]", '[campaigns.season]\nrequires = ["kyc", "sanctions"]\nminimum_age = 18'
    )
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], config=config + limit("player", asset="")) as core:
        await rates.set_rates(core, {"EUR": "1"}, dated=datetime.now(UTC), source="x", actor="t")
        passed = [check(), check(kind=CheckKind.SANCTIONS), check(kind=CheckKind.AGE, age=18)]
        await players.report_checks(core, passed, actor="game")
        (one,) = await request(core, [reward(1)])
        assert (await states(core))[one.payout_id] == "ready"
        match how:
            case "expired":
                await sql(core, "UPDATE player_check SET expires_at = rr_now() WHERE kind = 'sanctions'")
            case "failed":
                await players.report_checks(core, [check(CheckResult.FAILED)], actor="game")
            case "pending":
                await players.report_checks(core, [check(CheckResult.PENDING)], actor="game")
            case "too young":
                await players.report_checks(core, [check(kind=CheckKind.AGE, age=17)], actor="game")
            case "rate":
                await sql(core, "UPDATE rate SET dated = dated - interval '25 hours'")

        await send_all(core)

        assert rail.calls == []
        assert (await states(core))[one.payout_id] == "held"


TWO = '\n[[approvals]]\nname = "two"\nneeds = 2\nasset = "EUR"\n'


@pytest.mark.parametrize("how", ["ready", "retried"])
async def test_what_was_there_before_the_rule_waits_for_two_as_well(database_dsn, how):
    rail = ScriptedRail("one", refuse())
    async with opened_core(database_dsn, [rail]) as core:
        (one,) = await request(core, [reward(1)])
        if how == "retried":
            await send_all(core)
            await retry(core, one.payout_id, actor="ops")
    calls = len(rail.calls)
    async with opened_core(database_dsn, [rail], config=CONFIG + TWO) as core:
        await send_all(core)
        assert (len(rail.calls), await counts(core)) == (calls, {"awaiting_approval": 1})


async def test_a_file_meets_the_same_gates(database_dsn, tmp_path):
    rows = [
        ("1", "p", "a@example.org"),
        ("2", "p", "b@example.org"),
        ("3", "q", "listed@example.org"),
        ("4", "p", "c@example.org"),
        ("5", "p", "d@example.org"),
    ]
    (tmp_path / "f.csv").write_text(
        HEADER + "".join(f"r-{n},{who},season,10.00,EUR,de,paypal_email,{to},\n" for n, who, to in rows)
    )
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + limit("player")) as core:
        await load(core, "LISTED@example.org", kind=ListKind.SANCTIONS)
        batch_id = await batches.open_batch(core, name="f", file_format=FileFormat.CSV, actor="ann")
        await stage_file(core, tmp_path / "f.csv", into=batch_id)
        await batches.start(core, batch_id, actor="ann")
        while await batches.start_chunk(core, limit=2):
            pass
        assert await counts(core) == {"ready": 3, "held": 2}


async def test_a_corrected_destination_cools_off(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=rules("cooling_off_hours = 1")) as core:
        (one,) = await request(core, [reward(1)])
        await sql(core, "UPDATE address_use SET first_seen_at = first_seen_at - interval '2 hours'")
        await sql(core, "UPDATE payout SET recheck_at = rr_now()")
        await judge_due(core)
        assert (await states(core))[one.payout_id] == "ready"

        await correct_destination(core, one.payout_id, reward(9).destination, actor="eve")

        assert (await states(core))[one.payout_id] == "held"


@pytest.mark.parametrize(("place", "state"), [("US", "held"), ("US-CA", "held"), ("DE", "ready")])
async def test_a_denied_country_denies_its_subdivisions(database_dsn, place, state):
    config = CONFIG.replace("[providers.one]", '[providers.one]\ndeny_jurisdictions = ["US"]').replace(
        'jurisdictions = ["DE", "PL"]', 'jurisdictions = ["DE", "US", "US-CA"]'
    )
    async with opened_core(database_dsn, [ScriptedRail("one")], config=config) as core:
        cells = ["r", "p", "season", "1.00", "EUR", place.lower(), "paypal_email", "a@example.org", ""]
        (one,) = await request(core, [validate_row(cells, core.config.row_rules())])
        assert (await states(core))[one.payout_id] == state


@pytest.mark.parametrize("what", ["list", "risk", "limit", "place", "legal", "sanctions check"])
async def test_a_player_hears_the_same_whatever_compliance_looks_at(database_dsn, what):
    config = CONFIG + "[risk]\nhold_from = 50\n"
    config = {
        "limit": config + limit("player"),
        "place": config.replace("[providers.one]", '[providers.one]\ndeny_jurisdictions = ["DE"]'),
        "sanctions check": config.replace("[campaigns.season]", '[campaigns.season]\nrequires = ["sanctions"]'),
    }.get(what, config)
    rail = ScriptedRail("one", capabilities=CHAIN if what == "legal" else CAPABILITIES)
    async with opened_core(database_dsn, [rail], config=config) as core:
        if what == "list":
            await load(core, "player1@example.org", kind=ListKind.SANCTIONS)
        if what == "risk":
            report = RiskReport(player_id="player:1", score=50, reasons=(), expires_at=FOR_EVER)
            await players.report_risk(core, [report], actor="game")
        (one,) = await request(core, [reward(1, amount_minor=3001)])

        told = await explain(core, one.payout_id)

        assert (told.state, told.player_text) == ("held", BEING_CHECKED)
        assert all(hold.owner and hold.deadline_at and hold.why for hold in told.holds)
        assert len(told.verdicts) == len(GATES)


async def test_a_person_s_hold_against_many_senders(database_dsn, trials):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail], connections=20) as core:
        results = await request(core, [reward(number) for number in range(40)])
        held = set()

        async def hold(payout_id):
            with suppress(StateConflict):
                await operate.hold(core, payout_id, cause="stop", actor="ann")
                held.add(payout_id.hex)

        await asyncio.gather(*(hold(one.payout_id) for one in results), *(send_all(core, wanted=4) for _ in range(8)))
        await send_all(core)

        assert not held & set(rail.created)
        trials(40)


@pytest.mark.parametrize("gate", ["list", "kyc", "place", "legal", "proof"])
async def test_no_reason_overrules_what_rests_on_law_or_fact(database_dsn, gate):
    config = {
        "kyc": CONFIG.replace("[campaigns.season]", '[campaigns.season]\nrequires = ["kyc"]'),
        "place": CONFIG.replace("[providers.one]", '[providers.one]\ndeny_jurisdictions = ["DE"]'),
        "proof": rules('prove_above = { EUR = "1.00" }'),
    }.get(gate, CONFIG)
    rail = ScriptedRail("one", capabilities=CHAIN if gate == "legal" else CAPABILITIES)
    async with opened_core(database_dsn, [rail], config=config) as core:
        if gate == "list":
            await load(core, "player1@example.org", kind=ListKind.DENY)
        (one,) = await request(core, [reward(1)])
        with pytest.raises(RewardRailsError):
            await release_hold(core, one.payout_id, actor="ann", reason="I say so")
        await send_all(core)
        assert rail.calls == []


@pytest.mark.parametrize("scope", ["everything", "provider", "campaign", "player"])
@pytest.mark.parametrize("stops", ["sending", "accepting"])
async def test_each_pause_stops_its_own_and_nothing_else(database_dsn, scope, stops):
    subject = {"everything": "", "provider": "one", "campaign": "season", "player": "player:1"}[scope]
    rail, other = ScriptedRail("one"), ScriptedRail("two")
    async with opened_core(database_dsn, [rail, other]) as core:
        if stops == "sending":
            await request(core, [reward(1)])
        made = await pauses.pause(
            core,
            scope=pauses.PauseScope(scope),
            subject=subject,
            reason="x",
            actor="ann",
            stops=pauses.PauseStops(stops),
        )
        await request(core, [reward(1), reward(2, campaign="other")])
        await send_all(core)
        await send_all(core, "two")
        assert (len(rail.calls), len(other.calls)) == (0, 0 if scope == "everything" else 1)

        await pauses.lift(core, pause_id=made.id, actor="ann")
        await request(core, [reward(1)])
        await send_all(core)
        assert len(rail.calls) == 1


async def test_an_erased_player_s_checks_and_score_still_count(database_dsn):
    config = CONFIG + "[risk]\nhold_from = 50\n"
    async with opened_core(database_dsn, [ScriptedRail("one")], config=config) as core:
        report = RiskReport(player_id="player:1", score=90, reasons=("x",), expires_at=FOR_EVER)
        await request(core, [reward(1)])
        await send_all(core)
        await players.report_risk(core, [report], actor="game")
        await erase_players(core, [ErasureRequest(player_id="player:1", reason="case-1")], actor="ann")

        (again,) = await request(core, [replace(reward(5), player_id="player:1")])

        assert (await states(core))[again.payout_id] == "held"
