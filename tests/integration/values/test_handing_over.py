"""A code is handed over once, to its own player; everything after that has a reason and a name."""

import asyncio
import json
import pickle
from dataclasses import replace

import asyncpg
import pytest

from rewardrails.domain.bearer import BearerValue
from rewardrails.engine import read, values
from rewardrails.engine.erase import ErasureRequest, erase_player
from rewardrails.engine.reseal import keys_in_use, reseal
from rewardrails.errors import (
    DataErased,
    NotFound,
    ProofRequired,
    RateLimited,
    StateConflict,
    ValueAlreadyRevealed,
    ValueNotReady,
)
from rewardrails.events.verify import verify_log
from tests.integration.values.conftest import call, code_of, paid
from tests.integration.vault.worlds import all_sealed, ring, salts, world
from tests.support.scripted_rail import ScriptedRail, accept, refuse, settle
from tests.support.sealing import seal_everything
from tests.support.season import opened_core

pytestmark = [pytest.mark.promise("G5", "G6", "G7")]


async def given(core) -> list[tuple[str, str]]:
    """What the log says of values: what happened, and who did it."""
    async with core.database.reading() as connection:
        rows = await connection.fetch("SELECT type, actor, data FROM event WHERE type LIKE 'bearer.%' ORDER BY version")
    assert all(json.loads(row["data"]).keys() == {"attempt", "number"} for row in rows)
    return [(row["type"], row["actor"]) for row in rows]


async def test_it_is_given_once_and_the_log_says_to_whom(database_dsn, rail):
    async with opened_core(database_dsn, [rail]) as core:
        (payout_id,) = await paid(core, 1)

        first = await values.reveal(core, call(payout_id))
        with pytest.raises(ValueAlreadyRevealed, match="reissue"):
            await values.reveal(core, call(payout_id))

        assert (first.value.code, first.number) == (code_of(payout_id), 1)
        assert await given(core) == [("bearer.revealed", "test")]
        await seal_everything(core.database)
        assert (await verify_log(core.database)).fault is None


async def test_of_a_hundred_at_once_one_gets_it(database_dsn, rail, trials):
    async with opened_core(database_dsn, [rail]) as core:
        (payout_id,) = await paid(core, 1)
        asked = [values.reveal(core, call(payout_id, actor=f"key:{number}")) for number in range(100)]

        got = await asyncio.gather(*asked, return_exceptions=True)

        assert [one.value.code for one in got if isinstance(one, values.Revealed)] == [code_of(payout_id)]
        assert sum(isinstance(one, ValueAlreadyRevealed) for one in got) == 99
        trials(100)


@pytest.mark.parametrize("changes", [{"number": 2}, {"made_by": "key:other"}], ids=["other player", "not its maker"])
async def test_another_player_and_another_maker_find_nothing(database_dsn, rail, changes):
    async with opened_core(database_dsn, [rail]) as core:
        (payout_id,) = await paid(core, 1)

        with pytest.raises(NotFound) as refused:
            await values.reveal(core, call(payout_id, **changes))

        assert refused.value.message == f"there is no payout {payout_id}"
        assert await given(core) == []
        assert (await values.reveal(core, call(payout_id))).number == 1


async def test_a_lost_answer_is_reissued_for_a_reason_once_and_only_its_game_is_shown_it(database_dsn, rail):
    async with opened_core(database_dsn, [rail]) as core:
        (payout_id,) = await paid(core, 1)
        with pytest.raises(StateConflict, match="may be asked for already"):
            await values.reissue(core, payout_id, reason="case 7", actor="operator:a")
        await values.reveal(core, call(payout_id))
        for empty in ("  ", "x" * 501, "two\nlines"):
            with pytest.raises(ProofRequired):
                await values.reissue(core, payout_id, reason=empty, actor="operator:a")

        stands = await values.reissue(core, payout_id, reason="case 7", actor="operator:a")
        with pytest.raises(StateConflict, match="may be asked for already"):
            await values.reissue(core, payout_id, reason="case 7", actor="operator:b")
        again = await values.reveal(core, call(payout_id))
        with pytest.raises(ValueAlreadyRevealed):
            await values.reveal(core, call(payout_id))

        assert (stands.is_open, stands.reveals) == (True, 1)
        assert (again.value.code, again.number) == (code_of(payout_id), 2)
        assert [what for what, _ in await given(core)] == ["bearer.revealed", "bearer.reissued", "bearer.revealed"]
        async with core.database.reading() as connection:
            assert await connection.fetchval("SELECT reason FROM bearer_reissue") == "case 7"


async def test_a_caller_that_takes_too_many_in_a_minute_waits(database_dsn, rail, monkeypatch):
    monkeypatch.setattr(values, "REVEALS_PER_MINUTE", 2)
    async with opened_core(database_dsn, [rail]) as core:
        payouts = await paid(core, 1, 2, 3)
        for number, payout_id in enumerate(payouts[:2], 1):
            await values.reveal(core, call(payout_id, number=number))

        with pytest.raises(RateLimited):
            await values.reveal(core, call(payouts[2], number=3))

        assert (await values.reveal(core, call(payouts[2], number=3, actor="key:other"))).number == 1


@pytest.mark.parametrize(
    ("script", "hands_over", "error"),
    [(accept, True, ValueNotReady), (refuse(), True, StateConflict), (settle, False, StateConflict)],
    ids=["pending", "failed", "a rail without values"],
)
async def test_what_is_not_there_is_said_to_be_coming_or_never_to_come(database_dsn, rail, script, hands_over, error):
    rail = ScriptedRail("one", script, replace(rail.capabilities, hands_over_values=hands_over))
    async with opened_core(database_dsn, [rail]) as core:
        (payout_id,) = await paid(core, 1)

        with pytest.raises(error):
            await values.reveal(core, call(payout_id))

        assert await given(core) == []


async def test_a_payout_tells_that_its_value_is_ready_and_when_it_was_given(database_dsn, rail):
    async with opened_core(database_dsn, [rail]) as core:
        (payout_id,) = await paid(core, 1)
        before = (await read.read_history(core, payout_id)).value
        await values.reveal(core, call(payout_id))
        after = (await read.read_history(core, payout_id)).value

        assert (before.is_open, before.revealed_at, before.reveals) == (True, None, 0)
        assert (after.is_open, after.revealed_to, after.reveals) == (False, "test", 1)


async def test_an_erased_player_s_value_is_gone_and_the_other_s_is_not(database_dsn, rail):
    async with world(database_dsn, [rail], ring("a")) as core:
        mine, theirs = await paid(core, 1, 2)

        await erase_player(core, ErasureRequest(player_id="player:1", reason="case 14"), actor="key:c")

        with pytest.raises(DataErased):
            await values.reveal(core, call(mine))
        async with core.database.reading() as connection:
            left = await connection.fetch("SELECT payout_id FROM bearer_value WHERE length(sealed) > 0")
        assert [row["payout_id"] for row in left] == [theirs]
        assert (await read.read_history(core, mine)).value.is_erased
        assert await given(core) == []
        assert (await values.reveal(core, call(theirs, number=2))).value.code == code_of(theirs)


async def test_a_rotation_seals_values_anew_and_they_still_open(database_dsn, rail):
    async with world(database_dsn, [rail], ring("a")) as core:
        (payout_id,) = await paid(core, 1)
    async with world(database_dsn, [rail], ring("b", "a")) as core:
        assert await keys_in_use(core) != frozenset()

        done = await reseal(core, actor="test")

        assert done.unreadable == 0
        assert await keys_in_use(core) == frozenset()
        assert {key for place, _, key, _ in await all_sealed(core) if place == "bearer_value.sealed"} == {
            core.vault.key_id
        }
        assert (await values.reveal(core, call(payout_id))).value.code == code_of(payout_id)
        assert len(await salts(core)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM bearer_value",
        "UPDATE bearer_value SET attempt_no = 2",
        "DELETE FROM bearer_reveal",
        "UPDATE bearer_reveal SET actor = 'nobody'",
        "INSERT INTO bearer_reveal (payout_id, attempt_no, number, actor)"
        " SELECT payout_id, attempt_no, 1, 'x' FROM bearer_value",
        "INSERT INTO bearer_reveal (payout_id, attempt_no, number, actor)"
        " SELECT payout_id, attempt_no, 2, 'x' FROM bearer_value",
        "INSERT INTO bearer_reissue (payout_id, attempt_no, number, actor, reason)"
        " SELECT payout_id, attempt_no, 3, 'x', 'y' FROM bearer_value",
    ],
)
async def test_the_database_itself_refuses_a_reveal_without_a_reissue_and_a_changed_history(
    database_dsn, rail, statement
):
    async with opened_core(database_dsn, [rail]) as core:
        (payout_id,) = await paid(core, 1)
        await values.reveal(core, call(payout_id))

        owner = await asyncpg.connect(database_dsn)
        try:
            with pytest.raises(asyncpg.PostgresError):
                await owner.execute(statement)
        finally:
            await owner.close()


def test_a_value_shows_itself_nowhere():
    value = BearerValue(code="CODE-1", pin="PIN-1", link="https://redeem.example/1")
    shown = repr(value) + str(value) + f"{value}" + repr([value])

    assert not any(part in shown for part in ("CODE-1", "PIN-1", "redeem"))
    with pytest.raises(TypeError):
        pickle.dumps(value)
    for wrong in ({}, {"pin": "1"}, {"code": "x" * 3000}):
        with pytest.raises(ValueError, match="a value") as refused:
            BearerValue(**wrong)
        assert "xxx" not in str(refused.value)
