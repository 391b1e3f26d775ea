"""Data keys that a key service wraps: asked when a process starts, never for a row; away, nothing is begun."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from rewardrails.bootstrap import opened
from rewardrails.config import Config
from rewardrails.engine.reseal import reseal
from rewardrails.errors import ErrorCode, KeyMissing, KeyServiceUnavailable
from rewardrails.security.data_keys import load, stored_keys
from rewardrails.security.wrapping import KeyRing
from tests.integration.vault.kms_client import LittleKms
from tests.integration.vault.worlds import all_sealed, master, ring, salts, world
from tests.support.command_line import CONFIG, CommandLine
from tests.support.scripted_rail import ScriptedRail, settle
from tests.support.season import request, reward, send_all, states

SERVICE = Path(__file__).with_name("little_kms.py")


@contextmanager
def running() -> Iterator[str]:
    """The address of a little key service; its process ends with the block."""
    process = subprocess.Popen([sys.executable, SERVICE], stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.mark.promise("G6")
async def test_a_service_is_asked_once_a_start_and_never_for_a_row(database_dsn):
    with running() as url:
        rail, keys = ScriptedRail("one", settle), KeyRing(current=LittleKms(url))
        async with world(database_dsn, [rail], keys) as core:
            await request(core, [reward(number) for number in range(50)])
            await send_all(core)
            assert set((await states(core)).values()) == {"paid"}
        first = await _calls(url)
        async with world(database_dsn, [rail], keys) as core:
            for _, sealed, key, purpose in (await all_sealed(core))[:1]:
                assert any(_opens(core, sealed, purpose, key, salt) for salt in await salts(core))
        assert await _calls(url) == first + 1


@pytest.mark.promise("G2", "G6")
async def test_a_service_that_is_away_stops_the_start_and_leaves_nothing_half_done(database_dsn):
    with running() as url:
        kms = LittleKms(url)
    config = Config.parse('environment = "test"\n', {"DATABASE_URL": database_dsn})

    with pytest.raises(KeyServiceUnavailable) as refusal:
        async with opened(config, wrapper=kms):
            pass

    assert refusal.value.code is ErrorCode.KEY_SERVICE_UNAVAILABLE
    connection = await asyncpg.connect(database_dsn)
    try:
        assert await connection.fetchval("SELECT count(*) FROM data_key") == 0
        assert await connection.fetchval("SELECT count(*) FROM pool") == 0
    finally:
        await connection.close()


@pytest.mark.promise("G6")
async def test_another_services_key_does_not_open_what_one_wrapped(database_dsn):
    with running() as url, running() as other:
        async with world(database_dsn, [], KeyRing(current=LittleKms(url))) as core:
            with pytest.raises(KeyMissing, match="did not wrap this"):
                await load(core.database, KeyRing(current=LittleKms(other)))
            with pytest.raises(KeyMissing, match="sealed with the master key"):
                await load(core.database, KeyRing(current=LittleKms(other, "little:2")))


@pytest.mark.promise("G2", "G6")
async def test_a_database_moves_from_a_master_key_to_a_service_and_lookups_stay(database_dsn):
    rail = ScriptedRail("one", settle)
    async with world(database_dsn, [rail], ring("a")) as core:
        await request(core, [reward(1)])
        digest = core.vault.digest(b"something")
    with running() as url:
        async with world(database_dsn, [rail], KeyRing(current=LittleKms(url), others=(master("a"),))) as core:
            await reseal(core, actor="test")
        async with world(database_dsn, [rail], KeyRing(current=LittleKms(url))) as core:
            assert core.vault.digest(b"something") == digest
            await send_all(core)
            assert set((await states(core)).values()) == {"paid"}


@pytest.mark.promise("G6")
async def test_processes_that_start_together_agree_on_the_keys(database_dsn, trials):
    """Each makes keys of its own; those of one are stored, and everybody uses them."""
    with running() as url:
        async with world(database_dsn, [], KeyRing(current=LittleKms(url))) as core:
            async with core.database.reading() as connection:
                await _forget(database_dsn)
                assert await connection.fetchval("SELECT count(*) FROM data_key") == 0
            found = await asyncio.gather(*(load(core.database, KeyRing(current=LittleKms(url))) for _ in range(5)))
            assert all(keys == found[0] for keys in found)
            assert len(await stored_keys(core.database)) == 3
    trials(5)


@pytest.mark.promise("G6")
async def test_a_service_of_another_package_is_named_in_the_configuration(database_dsn, tmp_path):
    with running() as url:
        security = f'[security]\nkey_service = "little"\nkey_service_settings = {{ url = "{url}" }}\n'
        line = CommandLine(tmp_path, database_dsn, CONFIG + security)

        unknown = line.process("vault", "status")
        known = line.process("--json", "vault", "status", env={"PYTHONPATH": _installed(tmp_path)})

    assert (unknown.code, "no installed package offers the key service 'little'" in unknown.err) == (3, True)
    assert known.code == 0, known.err
    assert {row["wrapped_by"] for row in json.loads(known.out)} == {"little:1"}


def _installed(folder: Path) -> str:
    """A place on Python's path with a package that announces a key service."""
    about = folder / "place" / "little-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: little\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[rewardrails.key_services]\nlittle = tests.integration.vault.kms_client:make\n"
    )
    return f"{about.parent}:{Path.cwd()}"


async def _forget(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("DELETE FROM data_key")
    finally:
        await connection.close()


async def _calls(url: str) -> int:
    def ask() -> int:
        with urllib.request.urlopen(f"{url}/calls", timeout=5) as answer:
            return int(answer.read())

    return await asyncio.to_thread(ask)


def _opens(core, sealed: bytes, purpose: bytes, key: str, salt: bytes) -> bool:
    try:
        core.vault.open(sealed, purpose, key, salt)
    except Exception:
        return False
    return True
