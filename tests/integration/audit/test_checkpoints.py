"""Checkpoints: outside the database, signed, durable, each chained to the one before, and never over a changed log."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rewardrails import clock
from rewardrails.errors import ConfigInvalid
from rewardrails.events.audit import LATE_SECONDS, unsigned, write_checkpoint
from rewardrails.events.checkpoint import Checkpoint
from rewardrails.events.checkpoint_store import FILE_NAME, CheckpointTaken, FolderStore
from rewardrails.events.signing import Believed, SigningKey
from rewardrails.events.walk import Tampering
from rewardrails.secrets import Secret
from rewardrails.security.vault import Vault
from rewardrails.worker.worker import Worker
from tests.integration.audit.log import KEY, Intruder, audit_in, filled, the_fault, verified
from tests.support.scripted_rail import ScriptedRail, accept
from tests.support.sealing import seal_everything
from tests.support.season import opened_core, request, reward

pytestmark = pytest.mark.promise("G5")
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def made(after: Checkpoint | None, position: int = 1) -> Checkpoint:
    return Checkpoint.sign(KEY, after=after, position=position, chain_hash=bytes(32), time=NOW)


async def read(folder: Path) -> list[Checkpoint]:
    return [one async for one in FolderStore(folder).read()]


def follow_each_other(checkpoints: list[Checkpoint]) -> bool:
    believed = Believed((KEY.public_key,))
    pairs = zip([None, *checkpoints], checkpoints, strict=False)
    return all(later.is_signed(believed) and later.follows(earlier) for earlier, later in pairs)


async def test_writers_killed_while_they_write_leave_checkpoints_that_follow_each_other(tmp_path: Path, trials) -> None:
    """Two at a time on one folder; what was said to be written is there, and nothing stands between."""
    kills, promised = 6, {}
    for _ in range(kills):
        promised |= await asyncio.to_thread(kill_two, tmp_path)

    kept = await read(tmp_path)

    assert follow_each_other(kept)
    assert promised.items() <= {one.number: one.digest.hex() for one in kept}.items()
    assert len(kept) >= 2 * kills
    trials(2 * kills)


async def test_a_last_line_torn_anywhere_is_passed_over_and_the_next_checkpoint_follows(tmp_path: Path, trials) -> None:
    first = made(None)
    second = made(first, 2)
    whole = second.line()
    for left in range(len(whole)):
        folder = tmp_path / str(left)
        await FolderStore(folder).append(first)
        with (folder / FILE_NAME).open("ab") as file:
            file.write(whole[:left])

        assert await FolderStore(folder).last() == first
        store = FolderStore(folder)
        if left == len(whole) - 1:  # it lacked nothing but its end
            with pytest.raises(CheckpointTaken):
                await store.append(second)
        else:
            await store.append(second)

        assert await read(folder) == [first, second]
    trials(len(whole))


async def test_of_two_that_write_the_same_number_one_is_told_to_look_again(tmp_path: Path) -> None:
    one, other = FolderStore(tmp_path), FolderStore(tmp_path)
    first = made(None)
    await one.append(first)

    with pytest.raises(CheckpointTaken):
        await other.append(first)

    await other.append(made(await other.last(), 2))
    assert [found.number for found in await read(tmp_path)] == [1, 2]


async def test_a_checkpoint_is_due_half_a_minute_after_the_last_and_only_when_something_was_sealed(
    database_dsn: str, tmp_path: Path
) -> None:
    audit = audit_in(tmp_path)
    async with opened_core(database_dsn, [ScriptedRail("one", accept)]) as core:
        at = Moving(NOW)
        with clock.use(at):
            assert await write_checkpoint(core.database, audit) == 0
            await seal_everything(core.database)
            assert await write_checkpoint(core.database, audit) == 1
            await request(core, [reward(1)])
            await seal_everything(core.database)
            at.time += timedelta(seconds=29)
            assert await write_checkpoint(core.database, audit) == 0
            assert (await unsigned(core.database, audit)).events == 1
            at.time += timedelta(seconds=2)
            assert await write_checkpoint(core.database, audit) == 1
            at.time += timedelta(hours=1)
            assert await write_checkpoint(core.database, audit) == 0

    first, second = await read(tmp_path)
    assert second.time - first.time < timedelta(seconds=60)


async def test_a_worker_signs_what_it_sealed_before_it_goes(database_dsn: str, tmp_path: Path) -> None:
    audit = audit_in(tmp_path)
    async with opened_core(database_dsn, [ScriptedRail("one", accept)]) as core:
        object.__setattr__(core, "audit", audit)
        await request(core, [reward(number) for number in range(5)])
        worker = Worker(core)
        running = asyncio.create_task(worker.run())
        await until_signed(tmp_path)
        await request(core, [reward(number) for number in range(5, 9)])
        worker.stop()
        await running
        behind = await unsigned(core.database, audit)
        await seal_everything(core.database)

        assert follow_each_other(await read(tmp_path))
        assert behind.events == 0
        assert (await verified(core.database, audit)).fault is None


async def test_a_log_that_is_not_what_was_signed_is_not_signed_over(database_dsn: str, tmp_path: Path) -> None:
    async with filled(database_dsn, tmp_path, 60) as (core, audit), Intruder.at(database_dsn) as intruder:
        before = await read(tmp_path)
        await intruder.run("UPDATE event SET actor = 'nobody' WHERE position = 30")
        await intruder.rechain(30)
        await request(core, [reward(1000)])
        await seal_everything(core.database)

        assert await write_checkpoint(core.database, audit, every_seconds=0.0) == 0
        assert await read(tmp_path) == before
        fault = await the_fault(core.database, audit)
        assert fault.kind is Tampering.REWRITTEN


async def test_what_is_not_signed_in_time_is_late(database_dsn: str, tmp_path: Path) -> None:
    async with filled(database_dsn, tmp_path, 60) as (core, audit), Intruder.at(database_dsn) as intruder:
        assert not (await unsigned(core.database, audit)).is_late

        await request(core, [reward(1000)])
        await seal_everything(core.database)
        await intruder.run(
            "UPDATE event SET created_at = created_at - interval '61 seconds'"
            " WHERE position = (SELECT max(position) FROM event)"
        )
        late = await unsigned(core.database, audit)
        assert late.is_late
        assert late.oldest_seconds > LATE_SECONDS

        await intruder.run("DELETE FROM event WHERE position > 10")
        await intruder.run("UPDATE event_seal SET position = 10")
        assert (await unsigned(core.database, audit)).is_late


@pytest.mark.parametrize("field", ["number", "position", "chain_hash", "time", "key_id", "previous", "signature"])
async def test_a_changed_checkpoint_is_found(database_dsn: str, tmp_path: Path, field: str) -> None:
    async with filled(database_dsn, tmp_path, 300) as (core, audit):
        lines = (tmp_path / FILE_NAME).read_text().splitlines()
        changed = json.loads(lines[1])
        value = changed[field]
        changed[field] = (
            value + 1
            if isinstance(value, int)
            else NOW.isoformat()
            if field == "time"
            else ("1" if value[0] == "0" else "0") + value[1:]
        )
        lines[1] = json.dumps(changed)
        (tmp_path / FILE_NAME).write_text("\n".join(lines) + "\n")

        fault = await the_fault(core.database, audit)

        assert fault.kind is Tampering.CHECKPOINT
        assert "not signed by a key that is believed" in fault.words


@pytest.mark.parametrize("gone", [0, 1])
async def test_a_checkpoint_that_is_gone_is_found(database_dsn: str, tmp_path: Path, gone: int) -> None:
    async with filled(database_dsn, tmp_path, 300) as (core, audit):
        lines = (tmp_path / FILE_NAME).read_text().splitlines(keepends=True)
        (tmp_path / FILE_NAME).write_text("".join(line for number, line in enumerate(lines) if number != gone))

        fault = await the_fault(core.database, audit)

        assert fault.kind is Tampering.CHECKPOINT


async def test_checkpoints_of_another_key_are_not_believed_until_it_is(database_dsn: str, tmp_path: Path) -> None:
    other = SigningKey(b"o" * 32)
    async with filled(database_dsn, tmp_path, 60) as (core, audit):
        changed = type(audit)(store=audit.store, key=other, believed=Believed((other.public_key,)))
        await request(core, [reward(1000)])
        await seal_everything(core.database)
        await write_checkpoint(core.database, changed, every_seconds=0.0)

        fault = await the_fault(core.database, changed)
        assert fault.kind is Tampering.CHECKPOINT

        both = type(audit)(store=audit.store, key=other, believed=Believed((other.public_key, KEY.public_key)))
        assert (await verified(core.database, both)).fault is None


async def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")

    with pytest.raises(ConfigInvalid, match="taken"):
        await FolderStore(tmp_path / "taken").append(made(None))


def test_the_signing_key_is_of_one_kind_and_comes_from_the_master_key_if_there_is_none() -> None:
    pem = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], check=True, capture_output=True, text=True)
    rsa = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"

    assert len(SigningKey.from_pem(Secret(pem.stdout)).public_key) == 32
    assert (
        SigningKey.derived(Vault.of_master(Secret("m" * 48))).key_id
        == SigningKey.derived(Vault.of_master(Secret("m" * 48))).key_id
    )
    assert (
        SigningKey.derived(Vault.of_master(Secret("m" * 48))).key_id
        != SigningKey.derived(Vault.of_master(Secret("n" * 48))).key_id
    )
    with pytest.raises(ConfigInvalid, match="Ed25519"):
        SigningKey.from_pem(Secret(rsa))


async def until_signed(folder: Path) -> None:
    async with asyncio.timeout(30):
        while True:
            if (folder / FILE_NAME).exists():
                return
            await asyncio.sleep(0.02)


def kill_two(folder: Path) -> dict[int, str]:
    """Let two processes write to one folder, kill both; the digests of what they said was written, by number."""
    command = [sys.executable, "-m", "tests.integration.audit.writer", str(folder)]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    promised = [writer.stdout.readline() for writer in writers]
    time.sleep(0.15)
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
    for writer in writers:
        promised += writer.communicate()[0].splitlines(keepends=True)
    return {int(line.split()[0]): line.split()[1] for line in promised if line.endswith("\n")}


class Moving(clock.SystemClock):
    """A clock that somebody sets."""

    def __init__(self, time: datetime) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time


@pytest.mark.promise("G5")
@pytest.mark.parametrize("forged", ["unsigned", "number 0", "a copy of the first"])
async def test_a_line_put_behind_the_last_checkpoint_hides_nothing(
    database_dsn: str, tmp_path: Path, forged: str
) -> None:
    async with filled(database_dsn, tmp_path, 300) as (core, audit), Intruder.at(database_dsn) as intruder:
        await intruder.run("UPDATE event SET actor = 'somebody else' WHERE position = 150")
        await intruder.rechain(150)
        first = (tmp_path / FILE_NAME).read_bytes().split(b"\n")[0]
        head = await intruder.connection.fetchrow("SELECT position, chain_hash FROM event_seal")
        changes: dict[str, object] = {"position": head["position"], "chain_hash": head["chain_hash"].hex()}
        changes |= {"unsigned": {"number": 99}, "number 0": {"number": 0}}.get(forged, {})
        line = first if forged.startswith("a copy") else json.dumps(json.loads(first) | changes).encode()
        with (tmp_path / FILE_NAME).open("ab") as file:
            file.write(line + b"\n")

        assert (await the_fault(core.database, audit)).kind in {Tampering.REWRITTEN, Tampering.CHECKPOINT}
        await request(core, [reward(5000)])
        await seal_everything(core.database)
        written = await write_checkpoint(core.database, audit, every_seconds=0.0)
        assert written == (
            1 if forged.startswith("a copy") else 0
        )  # one of ours is followed, and found out all the same
        assert (await the_fault(core.database, audit)).kind in {Tampering.REWRITTEN, Tampering.CHECKPOINT}
