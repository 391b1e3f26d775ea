"""Erasing a player: nothing that is left opens what was sealed for them, and every figure still stands."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from rewardrails import clock
from rewardrails.bootstrap import key_ring
from rewardrails.config import Config
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservationSource, ObservedStatus
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import CreateOutcome, Rejected, RejectionScope
from rewardrails.domain.policy.case import CheckKind, CheckResult
from rewardrails.engine import operate, read, webhooks
from rewardrails.engine.batches import open_batch, report, stage, start, start_chunk
from rewardrails.engine.core import Core
from rewardrails.engine.erase import Erased, ErasureRequest, erase_player
from rewardrails.engine.idempotent import IdempotentCall, once, once_outside
from rewardrails.engine.observe import apply_observations, new_seen
from rewardrails.engine.players import CheckReport, report_checks
from rewardrails.engine.reseal import reseal
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.errors import DataErased, ErrorCode, RewardRailsError, StateConflict
from rewardrails.intake.reader import FileFormat
from rewardrails.ledger.invariants import verify
from rewardrails.security.keys import Scope
from rewardrails.security.wrapping import KeyRing
from tests.api.client import running_api
from tests.integration.vault.worlds import all_sealed, ring, salts, world
from tests.support.command_line import CommandLine
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, explode, settle
from tests.support.season import request, reward, send_all, states

HEADER = "reward_id,player_id,campaign,amount,asset,jurisdiction,destination_kind,destination,memo\n"
ASKED = ErasureRequest(player_id="player:1", reason="case 2026-14")
SECRET = "player1@example.org"
DOUBTFUL = replace(CAPABILITIES, lookup_is_authoritative=False)


@pytest.mark.promise("G6")
async def test_after_erasure_no_key_that_is_left_opens_anything_of_the_player(database_dsn):
    rail = ScriptedRail("one", explode, DOUBTFUL)
    async with world(database_dsn, [rail], ring("a")) as core:
        mine = await _a_life_in_the_books(core, 1)
        await _a_life_in_the_books(core, 2)
        before = await _openable(core)
        assert {place for place, text in before if SECRET in text} >= {
            *("payout.destination_ciphertext", "batch_row.destination_ciphertext", "observation.evidence"),
            "resolution.evidence",
        }

        assert await erase_player(core, ASKED, actor="key:c") is Erased.ERASED

        after = await _openable(core)
        assert [place for place, text in after if "player1" in text] == []
        assert sum("player2" in text for _, text in after) == sum("player2" in text for _, text in before)
        assert "player1" not in await _dump(database_dsn)
        view = await read.read_history(core, mine)
        assert view.payout.destination.masked() == "erased"
        assert {one.evidence for one in view.resolutions} == {"erased"}


@pytest.mark.promise("G3", "G5", "G6")
async def test_the_books_the_log_and_the_reports_stand_as_before(database_dsn):
    async with world(database_dsn, [ScriptedRail("one", settle)], ring("a")) as core:
        await request(core, [reward(1), reward(2)])
        await send_all(core)
        before = await read.count_by_state(core)

        await erase_player(core, ASKED, actor="key:c")

        assert (await verify(core.database)).balances
        assert await read.count_by_state(core) == before
        async with core.database.reading() as connection:
            rows = await connection.fetch("SELECT actor, data FROM event WHERE type = 'player.erased'")
        assert [(row["actor"], json.loads(row["data"])) for row in rows] == [("key:c", {"player_id": "player:1"})]


@pytest.mark.promise("G2")
@pytest.mark.parametrize("script", ["ready", "unknown", "held"])
async def test_money_under_way_comes_first(database_dsn, script):
    async with world(database_dsn, [ScriptedRail("one", explode, DOUBTFUL)], ring("a")) as core:
        (made,) = await request(core, [reward(1)])
        if script == "unknown":
            await send_all(core)
        if script == "held":
            await operate.hold(core, made.payout_id, cause="look at it", actor="test")

        with pytest.raises(StateConflict, match="under way or unknown"):
            await erase_player(core, ASKED, actor="key:c")

        assert (await read.read_payout(core, made.payout_id)).destination.value == SECRET


@pytest.mark.promise("G2")
async def test_rows_that_become_payouts_just_now_count_as_under_way(database_dsn):
    async with world(database_dsn, [ScriptedRail("one")], ring("a")) as core:
        batch = await _staged(core, "r-9", 1)
        await start(core, batch, actor="test")

        with pytest.raises(StateConflict, match="under way"):
            await erase_player(core, ASKED, actor="key:c")


@pytest.mark.promise("G2", "G6")
async def test_a_staged_row_of_somebody_erased_is_refused_alone(database_dsn):
    async with world(database_dsn, [ScriptedRail("one")], ring("a")) as core:
        batch = await _staged(core, "r-9", 1, 2)
        await erase_player(core, ASKED, actor="key:c")
        await start(core, batch, actor="test")

        await start_chunk(core, batch)

        rows = {row.reward_id: (row.verdict.value, row.code) for row in await report(core, batch)}
        assert rows == {"r-9-1": ("refused", "data_erased"), "r-9-2": ("accepted", None)}


@pytest.mark.promise("G1", "G6")
async def test_a_failed_payout_is_not_retried_without_its_destination(database_dsn):
    async with world(database_dsn, [ScriptedRail("one", _refused)], ring("a")) as core:
        (made,) = await request(core, [reward(1)])
        await send_all(core)
        await erase_player(core, ASKED, actor="key:c")

        with pytest.raises(DataErased) as refusal:
            await operate.retry(core, made.payout_id, actor="test")

        assert refusal.value.code is ErrorCode.DATA_ERASED
        assert set((await states(core)).values()) == {"failed"}
        await operate.correct_destination(core, made.payout_id, reward(1).destination, actor="test")
        await operate.retry(core, made.payout_id, actor="test")
        assert set((await states(core)).values()) == {"ready"}


@pytest.mark.promise("G1", "G6")
async def test_the_same_reward_again_is_still_the_same_payout(database_dsn):
    """Digests stay: forgetting them would pay the reward twice."""
    async with world(database_dsn, [ScriptedRail("one", settle)], ring("a")) as core:
        (first,) = await request(core, [reward(1)])
        await send_all(core)
        await erase_player(core, ASKED, actor="key:c")

        (again,) = await request(core, [reward(1)])

        assert (again.payout_id, again.verdict.value) == (first.payout_id, "replayed")
        assert await salts(core) == [], "a repeat brings no salt back"


@pytest.mark.promise("G6")
async def test_a_new_payout_of_the_same_player_opens_and_the_old_one_does_not(database_dsn):
    async with world(database_dsn, [ScriptedRail("one", settle)], ring("a")) as core:
        (old,) = await request(core, [reward(1)])
        await send_all(core)
        await erase_player(core, ASKED, actor="key:c")

        (new,) = await request(core, [replace(reward(1), reward_id="r-new")])

        assert (await read.read_payout(core, old.payout_id)).destination.value == "erased"
        assert (await read.read_payout(core, new.payout_id)).destination.value == SECRET


@pytest.mark.promise("G6")
async def test_what_a_rail_says_after_the_erasure_is_kept_without_its_words(database_dsn):
    async with world(database_dsn, [ScriptedRail("one", settle)], ring("a")) as core:
        (made,) = await request(core, [reward(1)])
        await send_all(core)
        await erase_player(core, ASKED, actor="key:c")
        late = Observation(status=ObservedStatus.RETURNED, evidence=Evidence(message=f"{SECRET} has no account"))
        seen = new_seen(
            ref=AttemptRef(payout_id=made.payout_id, attempt_no=1),
            provider="one",
            source=ObservationSource.SYNC,
            observation=late,
            actor="test",
        )

        await apply_observations(core, [seen])

        assert set((await states(core)).values()) == {"returned"}
        assert [text for _, text in await _openable(core) if SECRET in text] == []


@pytest.mark.promise("G6")
async def test_resealing_makes_nothing_readable_again_and_empties_what_was_erased(database_dsn):
    async with world(database_dsn, [ScriptedRail("one", settle)], ring("a")) as core:
        await request(core, [reward(1), reward(2)])
        await send_all(core)
        await erase_player(core, ASKED, actor="key:c")
    async with world(database_dsn, [], ring("b", "a")) as core:
        done = await reseal(core, actor="test")

        assert (done.unreadable, len(done.retired)) == (0, 1)
        async with core.database.reading() as connection:
            rows = await connection.fetch(
                "SELECT length(destination_ciphertext) AS length FROM payout ORDER BY reward_id"
            )
        assert (rows[0]["length"], rows[1]["length"] > 0) == (0, True)


@pytest.mark.promise("G6")
async def test_two_players_do_not_open_each_others(database_dsn):
    async with world(database_dsn, [ScriptedRail("one")], ring("a")) as core:
        await request(core, [reward(1), reward(2)])
        first, second = [sealed for place, sealed, _, _ in await all_sealed(core) if place.startswith("payout.")]
        one, other = sorted(await salts(core), key=lambda salt: salt[:8] != first[1:9])

        with pytest.raises(DataErased):
            core.open_destination(second, core.vault.key_id, one)
        assert core.open_destination(first, core.vault.key_id, one) != core.open_destination(
            second, core.vault.key_id, other
        )


@pytest.mark.promise("G6")
async def test_references_and_answers_that_point_at_the_player_go_too(database_dsn):
    async with world(database_dsn, [ScriptedRail("one", settle)], ring("a")) as core, running_api(core) as api:
        (made,) = await request(core, [reward(1)])
        await api.post(f"/v1/payouts/{made.payout_id}/hold", {"cause": "look"}, key="held")
        await api.post(f"/v1/payouts/{made.payout_id}/release", {"reason": "seen"})
        await send_all(core)
        check = CheckReport(
            player_id="player:1",
            kind=CheckKind.KYC,
            result=CheckResult.PASSED,
            reference="applicant-77",
            expires_at=clock.now() + timedelta(days=1),
        )
        await report_checks(core, [check], actor="test")

        answer = await api.post("/v1/players/player:1/erase", {"reason": "case 2026-14"}, key="erase")
        again = await api.post("/v1/players/player:1/erase", {"reason": "case 2026-14"}, key="erase")

        assert (answer.status, answer.json["outcome"], again.json) == (200, "erased", answer.json)
        repeat = await api.post(f"/v1/payouts/{made.payout_id}/hold", {"cause": "look"}, key="held")
        assert (repeat.status, repeat.json["destination_masked"]) == (200, "erased")
        shown = await api.get(f"/v1/payouts/{made.payout_id}")
        assert shown.json["destination_masked"] == "erased"
        assert "applicant-77" not in await _dump(database_dsn)


@pytest.mark.promise("G6")
async def test_a_notice_in_quarantine_goes_with_the_player_it_speaks_of(database_dsn):
    async with world(database_dsn, [ScriptedRail("one", settle)], ring("a")) as core:
        mine, other = await request(core, [reward(1), reward(2)])
        await send_all(core)
        wrong = [_of_another_amount(made.payout_id) for made in (mine, other)]
        notices = [
            webhooks.Notice(
                provider="one", event_key=f"e-{number}", body=f"player{number}@x".encode(), observations=tuple(said)
            )
            for number, said in enumerate([wrong[:1], wrong[1:], wrong], 1)
        ]
        await webhooks.store_notices(core, notices)
        await webhooks.apply_notices(core, 10)

        before = [text for place, text in await _openable(core) if place == "webhook_inbox.body"]
        await erase_player(core, ASKED, actor="key:c")
        after = [text for place, text in await _openable(core) if place == "webhook_inbox.body"]

        async with core.database.reading() as connection:
            states_of = await connection.fetch("SELECT state FROM webhook_inbox")
        assert [row["state"] for row in states_of] == ["quarantined"] * 3
        assert sorted(before) == ["player1@x", "player2@x", "player3@x"]
        assert sorted(after) == ["player2@x", "player3@x"], "what speaks of several players is evidence, and stays"


@pytest.mark.promise("G6")
@pytest.mark.parametrize("way", ["within", "outside"])
async def test_an_answer_that_comes_just_behind_an_erasure_keeps_nothing_of_the_player(database_dsn, way):
    async with world(database_dsn, [ScriptedRail("one", settle)], ring("a")) as core:
        await request(core, [reward(1), reward(2)])
        await send_all(core)
        await erase_player(core, ASKED, actor="key:c")

        for player in ("player:1", "player:2"):
            shown = json.dumps({"player_id": player, "destination_masked": f"{player}@x"}).encode()
            call = IdempotentCall(client="key:1", operation="payouts.hold", key=player, request=b"x")

            async def answered(*_: object, shown: bytes = shown) -> tuple[int, bytes]:
                return 200, shown

            for _ in range(2):
                again = await {"within": once, "outside": once_outside}[way](core.database, call, answered)
            assert again.replayed
            masked = "erased" if player == "player:1" else "player:2@x"
            assert json.loads(again.body)["destination_masked"] == masked


async def test_only_compliance_erases_and_only_somebody_known(database_dsn):
    async with world(database_dsn, [ScriptedRail("one")], ring("a")) as core, running_api(core) as api:
        nobody = await api.post("/v1/players/ghost/erase", {"reason": "case 1"})
        stranger = await api.post(
            "/v1/players/ghost/erase", {"reason": "case 1"}, token=await api.key_with([Scope.PLAYERS])
        )

        assert (nobody.status, nobody.code, stranger.status) == (404, "not_found", 403)


async def test_requests_kept_outside_are_replayed_onto_a_restored_database(database_dsn, tmp_path):
    line = CommandLine(tmp_path, database_dsn)
    async with world(database_dsn, [ScriptedRail("one", settle)], _kept(tmp_path)) as core:
        await request(core, [reward(1), reward(2), reward(3)])
        await send_all(core, wanted=2)
    (tmp_path / "requests.csv").write_text(
        "player_id,reason\nplayer:1,case 14\nplayer:3,case 15\nghost,case 16\n", encoding="utf-8"
    )

    first = line.process("--json", "players", "erase", "--from", "requests.csv")
    again = line.process("--json", "players", "erase", "player:1", "--reason", "case 14")

    assert (first.code, first.json) == (
        1,
        {"ghost": "unknown_player", "player:1": "erased", "player:3": "under_way"},
    )
    assert (again.code, again.json) == (0, {"player:1": "already_erased"})


async def _a_life_in_the_books(core: Core, number: int):
    """One payout settled by two people with evidence, one row of a file, one row that became a payout."""
    (made,) = await request(core, [reward(number)])
    await send_all(core)
    said = f"the statement names player{number}@example.org"
    for person in ("a", "b"):
        await resolve(core, made.payout_id, outcome=Resolved.PAID, evidence=said, actor=person)
    await _staged(core, f"s-{number}", number)
    return made.payout_id


async def _staged(core: Core, name: str, *numbers: int):
    batch = await open_batch(core, name=name, file_format=FileFormat.CSV, actor="test")
    rows = "".join(
        f"{name}-{number},player:{number},season,1.00,EUR,DE,paypal_email,player{number}@example.org,for me\n"
        for number in numbers
    )
    await stage(core, batch, _bytes(HEADER + rows))
    return batch


async def _bytes(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


async def _openable(core: Core) -> list[tuple[str, str]]:
    """Every value that some key and some salt which are left open, with its column."""
    found = []
    here = [None, *await salts(core)]
    for place, sealed, key, purpose in await all_sealed(core):
        for salt in here:
            try:
                found.append((place, core.vault.open(sealed, purpose, key, salt).decode()))
                break
            except RewardRailsError:
                continue
    return found


async def _refused(rail: ScriptedRail, order: Order) -> CreateOutcome:
    return Rejected(code=ErrorCode.PROVIDER_REJECTED, retryable=False, scope=RejectionScope.PAYOUT)


def _kept(folder: Path) -> KeyRing:
    """The key that the command line keeps in its folder."""
    return key_ring(Config.parse('environment = "test"\n', {}), folder / ".rewardrails")


async def _dump(dsn: str) -> str:
    """Every row of every table as text."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [row for table in tables for row in await connection.fetch(f"SELECT t::text FROM {table[0]} AS t")]
    finally:
        await connection.close()
    return "\n".join(row[0] for row in rows)


def _of_another_amount(payout_id):
    return Observation(
        status=ObservedStatus.PAID,
        rail_key=AttemptRef(payout_id=payout_id, attempt_no=1).rail_key,
        amount=Money(amount_minor=1, asset="EUR"),
    )
