"""A new master key, while players are being paid: everything is opened by somebody, and nobody is paid twice."""

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from rewardrails.domain.order import Order
from rewardrails.domain.outcome import CreateOutcome
from rewardrails.engine.reseal import COLUMNS, keys_in_use, reseal
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.errors import KeyMissing, StateConflict
from rewardrails.ledger.invariants import verify
from rewardrails.secrets import Secret
from rewardrails.security import keys
from rewardrails.security.data_keys import load, stored_keys
from rewardrails.security.keys import Scope
from rewardrails.security.roles import Role
from rewardrails.security.sign_in import SignIn
from tests.integration.vault.worlds import SEALED, all_sealed, key_ids, ring, salts, world
from tests.support.people import PASSWORD, person
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, explode, settle
from tests.support.season import BUDGET, claim, request, reward, send_all, states

ROWS = 40


@pytest.mark.promise("G1", "G2", "G3")
async def test_a_season_is_paid_once_while_everything_is_sealed_anew(database_dsn, trials):
    """Two workers, one of them still sealing with the old key, and the one that rotates, all at once."""
    paid_to: set[str] = set()
    rail = ScriptedRail("one", _remembering(paid_to))
    wanted = {f"player{number}@example.org" for number in range(ROWS * 5)}
    async with (
        world(database_dsn, [rail], ring("a", "b")) as before,
        world(database_dsn, [rail], ring("b", "a")) as after,
    ):
        passes = 0

        async def rotate() -> None:
            nonlocal passes
            while len(paid_to) < len(wanted):
                await reseal(after, actor="test", batch=7)
                passes += 1

        async def work(core, first: int) -> None:
            for start in range(first, ROWS * 5, 2 * ROWS):
                await request(core, [reward(number) for number in range(start, min(start + ROWS, ROWS * 5))])
                await send_all(core, wanted=13)
            while len(paid_to) < len(wanted):
                await send_all(core, wanted=13)
                await asyncio.sleep(0)

        await asyncio.wait_for(asyncio.gather(rotate(), work(before, 0), work(after, ROWS)), 60)
        last = await reseal(after, actor="test")

        assert (paid_to, rail.double_pays) == (wanted, [])
        assert Counter((await states(after)).values()) == {"paid": ROWS * 5}
        assert (await verify(after.database)).balances
        assert (last.unreadable, await keys_in_use(after)) == (0, frozenset())
        assert set().union(*(await key_ids(after)).values()) == {after.vault.key_id}
    trials(ROWS * 5)
    assert passes > 1


@pytest.mark.promise("G2", "G6")
async def test_a_worker_without_the_new_key_says_so_and_begins_no_attempt(database_dsn):
    rail = ScriptedRail("one", settle)
    async with world(database_dsn, [rail], ring("a")) as old:
        await request(old, [reward(1)])
        async with world(database_dsn, [rail], ring("b", "a")) as new:
            await request(new, [reward(2)])

            with pytest.raises(KeyMissing, match="does not hold"):
                await claim(old, rail, BUDGET, 10)

            async with new.database.reading() as connection:
                assert await connection.fetchval("SELECT count(*) FROM attempt") == 0
            assert set((await states(new)).values()) == {"ready"}
            await send_all(new)
            assert (set((await states(new)).values()), len(rail.created)) == ({"paid"}, 2)


@pytest.mark.promise("G6")
async def test_a_process_that_lacks_a_key_in_use_does_not_start(database_dsn):
    async with world(database_dsn, [], ring("a")), world(database_dsn, [], ring("b", "a")) as core:
        before = await stored_keys(core.database)

        for keys_of_it in (ring("a"), ring("b"), ring("c")):
            with pytest.raises(KeyMissing, match="sealed with the master key"):
                await load(core.database, keys_of_it)

        assert await stored_keys(core.database) == before


@pytest.mark.promise("G6")
async def test_a_new_key_may_go_to_every_process_before_any_seals_with_it(database_dsn):
    """The way without a moment in which somebody cannot read: first it opens everywhere, then it seals."""
    rail = ScriptedRail("one", settle)
    async with (
        world(database_dsn, [rail], ring("a", "b")) as first,
        world(database_dsn, [rail], ring("b", "a")) as second,
    ):
        await request(second, [reward(1)])
        await request(first, [reward(2)])

        await send_all(first)

        assert Counter((await states(first)).values()) == {"paid": 2}


@pytest.mark.promise("G6")
async def test_after_resealing_the_new_key_alone_opens_everything(database_dsn):
    rail = ScriptedRail("one", explode, replace(CAPABILITIES, lookup_is_authoritative=False))
    async with world(database_dsn, [rail], ring("a")) as old:
        (made,) = await request(old, [reward(1)])
        await send_all(old)
        await resolve(old, made.payout_id, outcome=Resolved.PAID, evidence="seen in their statement", actor="a")
        _, token = await keys.create_key(
            old.database, old.vault, name="game", scopes=frozenset({Scope.READ}), actor="test"
        )
        digest = old.vault.digest(b"something")
    async with world(database_dsn, [rail], ring("b", "a")) as core:
        done = await reseal(core, actor="test")
        assert (done.unreadable, len(done.retired)) == (0, 1)
        async with core.database.reading() as connection:
            told = await connection.fetch("SELECT type, actor, data FROM event WHERE type LIKE 'vault.%' ORDER BY n")
        assert [(row["type"], row["actor"]) for row in told] == [
            ("vault.reseal_begun", "test"),
            ("vault.resealed", "test"),
        ]
        assert json.loads(told[1]["data"])["retired"] == list(done.retired)

    async with world(database_dsn, [rail], ring("b")) as alone:
        here = await salts(alone)
        for _, sealed, key, purpose in await all_sealed(alone):
            alone.vault.open(sealed, purpose, key, here[0])
        assert alone.vault.digest(b"something") == digest, "what is looked up by a digest is still found"
        assert (await keys.authenticate(alone.database, alone.vault, token.reveal())).name == "game"
        with pytest.raises(KeyMissing, match="sealed with the master key"):
            await load(alone.database, ring("a"))
        with pytest.raises(KeyMissing, match="was retired"):
            await load(alone.database, ring("a", "b"))


async def test_an_installation_keeps_its_name_under_every_master_key(database_dsn):
    """People's sign-ins are kept under it, and go on through a rotation."""
    names = []
    for keys_of_it in (("a",), ("b", "a"), ("b",)):
        async with world(database_dsn, [], ring(*keys_of_it)) as core:
            names.append(core.installation)
            await reseal(core, actor="test")

    assert len(set(names)) == 1


async def test_whoever_still_seals_with_the_old_key_does_not_turn_it_back(database_dsn):
    async with world(database_dsn, [ScriptedRail("one")], ring("a")) as old:
        async with world(database_dsn, [], ring("b", "a")) as new:
            await request(new, [reward(1)])

        with pytest.raises(StateConflict, match="is newer than"):
            await reseal(old, actor="test")


@pytest.mark.promise("G2")
async def test_a_resealing_killed_again_and_again_loses_nothing(database_dsn, tmp_path, trials):
    rail, rounds = ScriptedRail("one", settle), 6
    dice = random.Random(4)
    async with world(database_dsn, [rail], ring("a")) as old:
        await request(old, [reward(number) for number in range(1500)])
    for _ in range(rounds):
        process = await _resealing(database_dsn, tmp_path)
        await _until_begun(process)
        await asyncio.sleep(dice.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with world(database_dsn, [rail], ring("b", "a")) as core:
        done = await reseal(core, actor="test")
        assert done.unreadable == 0
        assert set().union(*(await key_ids(core)).values()) == {core.vault.key_id}
        for _ in range(15):
            await send_all(core)
        assert (Counter((await states(core)).values()), rail.double_pays) == ({"paid": 1500}, [])
    trials(rounds)


@pytest.mark.promise("G2", "G6")
async def test_what_an_older_version_sealed_is_read_and_becomes_its_players(database_dsn):
    """Its keys were made of the master key alone, its values had no version, its rails' state was in clear."""
    rail = ScriptedRail("one", settle)
    async with world(database_dsn, [rail], ring("a")) as core:
        await request(core, [reward(1)])
        await _as_an_older_version_left_it(database_dsn, core)
    async with world(database_dsn, [rail], ring("a")) as core:
        await send_all(core)
        assert Counter((await states(core)).values()) == {"paid": 1}

        done = await reseal(core, actor="test")

        assert (done.unreadable, len(done.retired)) == (0, 1)
        assert all(sealed[:1] == b"\x02" for _, sealed, _, _ in await all_sealed(core))


def _remembering(paid_to: set[str]):
    async def script(rail: ScriptedRail, order: Order) -> CreateOutcome:
        await asyncio.sleep(0)
        outcome = await settle(rail, order)
        paid_to.add(order.destination.value)
        return outcome

    return script


async def _resealing(dsn: str, folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.integration.vault.resealing", dsn),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )


async def _until_begun(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    assert line == b"begun\n"


async def _as_an_older_version_left_it(dsn: str, core) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    key = ring("a").current
    nonce, text = b"n" * 12, b"paypal_email\x1fplayer1@example.org\x1f"
    sealed = nonce + AESGCM(key.derived(b"seal")).encrypt(nonce, text, b"destination")
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("INSERT INTO instance (key_id) VALUES ($1)", key.name)
        await connection.execute("DELETE FROM data_key")
        await connection.execute(
            "UPDATE payout SET destination_ciphertext = $1, destination_key_id = $2", sealed, key.name
        )
    finally:
        await connection.close()


@pytest.mark.promise("G6", "G7")
async def test_people_sign_in_with_their_old_codes_after_a_rotation(database_dsn):
    async with world(database_dsn, [], ring("a")) as core:
        ann = await person(core, Role.ADMIN, name="ann")
    async with world(database_dsn, [], ring("b", "a")) as core:
        await reseal(core, actor="test")
        assert await keys_in_use(core) == frozenset()
    async with world(database_dsn, [], ring("b")) as core:
        ways = SignIn(core.database, core.vault, core.config.sign_in)

        session = await ways.with_password(name="ann", password=Secret(PASSWORD), code=ann.code(), address=None)

        assert session is not None


async def test_every_column_that_is_sealed_is_sealed_anew(database_dsn):
    async with world(database_dsn, [], ring("a")) as core, core.database.reading() as connection:
        named = await connection.fetch(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND column_name LIKE '%key\\_id' "
            "AND table_name <> 'instance'"  # it seals nothing
        )
    assert {(row["table_name"], row["column_name"]) for row in named} == {(table, key) for table, _, key, _ in SEALED}
    assert sorted(column.purpose for column in COLUMNS) == sorted(purpose for _, _, _, purpose in SEALED)
