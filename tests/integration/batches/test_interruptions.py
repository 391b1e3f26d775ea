"""Staging and starting broken off at any place, and gone on with."""

import asyncio
import json
import signal
from pathlib import Path

import pytest

from rewardrails import clock
from rewardrails.engine.batches import STAGE_CHUNK, BatchState, open_batch, read_batch, start, start_chunk
from rewardrails.errors import FileInvalid
from rewardrails.intake.reader import FileFormat
from rewardrails.ledger.invariants import verify
from tests.support.batches import as_told, batch_process, season_core, stage_file, start_whole, verdicts
from tests.support.clean_rewards import write_clean_rewards
from tools.make_season import write

ROWS = 9_000
MEGABYTE_KIB = 1024
EXTRA_ROW = b"s7-more,telegram:1,season-7,25.00,EUR,DE,paypal_email,more@example.org,\n"


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of several chunks with every fault in it."""
    path = tmp_path_factory.mktemp("season") / "season.csv"
    write(ROWS, path, seed=11, clean=False)
    return path


@pytest.mark.promise("G2")
@pytest.mark.incident("I18")
@pytest.mark.parametrize("tenths", [1, 3, 5, 7, 9])
async def test_staging_goes_on_where_it_was_broken_off(tmp_path, database_dsn, messy, tenths):
    async with season_core(tmp_path, database_dsn) as core:
        batch_id = await open_batch(core, name="s", file_format=FileFormat.CSV, actor="test")
        with pytest.raises(ConnectionError):
            await stage_file(core, messy, into=batch_id, cut_at=messy.stat().st_size * tenths // 10 + tenths)
        broken = await read_batch(core, batch_id)
        assert broken.state is BatchState.STAGING
        assert broken.rows_staged % STAGE_CHUNK == 0

        whole = await stage_file(core, messy, into=batch_id)

        assert whole.id == batch_id
        rows = await verdicts(core, batch_id)
        assert rows == as_told(messy, ids_of=rows)


async def test_staging_broken_off_after_every_chunk_ends_the_same(tmp_path, database_dsn, messy):
    size = messy.stat().st_size
    async with season_core(tmp_path, database_dsn) as core:
        batch_id = await open_batch(core, name="s", file_format=FileFormat.CSV, actor="test")
        seen = []
        for part in range(1, 12):
            with pytest.raises(ConnectionError):
                await stage_file(core, messy, into=batch_id, cut_at=size * part // 12)
            seen.append((await read_batch(core, batch_id)).rows_staged)

        await stage_file(core, messy, into=batch_id)

        assert seen == sorted(seen)
        assert len(set(seen)) > ROWS // STAGE_CHUNK - 1
        rows = await verdicts(core, batch_id)
        assert rows == as_told(messy, ids_of=rows)


async def test_two_uploads_of_one_file_into_one_batch_store_each_row_once(tmp_path, database_dsn, messy):
    async with season_core(tmp_path, database_dsn) as core:
        batch_id = await open_batch(core, name="s", file_format=FileFormat.CSV, actor="test")
        await asyncio.gather(*(stage_file(core, messy, into=batch_id) for _ in range(2)), return_exceptions=True)
        if (await read_batch(core, batch_id)).state is BatchState.STAGING:
            await stage_file(core, messy, into=batch_id)

        rows = await verdicts(core, batch_id)
        assert rows == as_told(messy, ids_of=rows)


async def test_another_file_is_not_taken_into_a_half_staged_batch(tmp_path, database_dsn, messy):
    other = tmp_path / "other.csv"
    other.write_bytes(messy.read_bytes().replace(b"s7-00000001", b"s7-9999999x"))
    async with season_core(tmp_path, database_dsn) as core:
        batch_id = await open_batch(core, name="s", file_format=FileFormat.CSV, actor="test")
        with pytest.raises(ConnectionError):
            await stage_file(core, messy, into=batch_id, cut_at=messy.stat().st_size // 2)
        before = await read_batch(core, batch_id)

        with pytest.raises(FileInvalid):
            await stage_file(core, other, into=batch_id)

        assert await read_batch(core, batch_id) == before
        await stage_file(core, messy, into=batch_id)
        rows = await verdicts(core, batch_id)
        assert rows == as_told(messy, ids_of=rows)


async def test_a_shorter_file_is_not_taken_into_a_half_staged_batch(tmp_path, database_dsn, messy):
    """Its rows are the first of the other one's; what was staged beyond them is not in it."""
    head = tmp_path / "head.csv"
    head.write_bytes(b"".join(messy.read_bytes().splitlines(keepends=True)[: STAGE_CHUNK // 2]))
    async with season_core(tmp_path, database_dsn) as core:
        batch_id = await open_batch(core, name="s", file_format=FileFormat.CSV, actor="test")
        with pytest.raises(ConnectionError):
            await stage_file(core, messy, into=batch_id, cut_at=messy.stat().st_size * 3 // 4)

        with pytest.raises(FileInvalid):
            await stage_file(core, head, into=batch_id)

        assert (await read_batch(core, batch_id)).state is BatchState.STAGING


async def test_a_longer_file_is_not_taken_into_a_batch_that_holds_another_one_whole(tmp_path, database_dsn, messy):
    """The first sender went away after its last row and before its end was noted."""
    other = tmp_path / "other.csv"
    other.write_bytes(messy.read_bytes().replace(b"s7-00000001", b"s7-9999999x") + EXTRA_ROW)
    async with season_core(tmp_path, database_dsn) as core:
        batch_id = await open_batch(core, name="s", file_format=FileFormat.CSV, actor="test")
        await stage_file(core, messy, into=batch_id)
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE batch SET state = 'staging', content_digest = NULL WHERE id = $1", batch_id)

        with pytest.raises(FileInvalid):
            await stage_file(core, other, into=batch_id)

        whole = await stage_file(core, messy, into=batch_id)
        assert whole.state is BatchState.STAGED
        rows = await verdicts(core, batch_id)
        assert rows == as_told(messy, ids_of=rows)


@pytest.mark.promise("G1")
async def test_two_files_at_once_never_grow_into_one_batch(tmp_path, database_dsn, messy):
    other = tmp_path / "other.csv"
    write(ROWS, other, seed=12, clean=False)
    async with season_core(tmp_path, database_dsn) as core:
        batch_id = await open_batch(core, name="s", file_format=FileFormat.CSV, actor="test")
        uploads = [stage_file(core, path, into=batch_id) for path in (messy, other)]
        done = await asyncio.gather(*uploads, return_exceptions=True)

        winners = [path for path, result in zip((messy, other), done, strict=True) if not isinstance(result, Exception)]
        if not winners:
            return
        (winner,) = winners
        rows = await verdicts(core, batch_id)
        assert rows == as_told(winner, ids_of=rows)


@pytest.mark.promise("G1", "G2")
@pytest.mark.incident("I18")
async def test_a_start_killed_again_and_again_takes_every_row_once(tmp_path, database_dsn, messy):
    async with season_core(tmp_path, database_dsn) as core:
        batch = await stage_file(core, messy)
        await start(core, batch.id, actor="test")
        reached = 0
        for _ in range(3):
            process = batch_process("start", tmp_path / "rewardrails.toml", database_dsn, batch.id, 50)
            try:
                reached = await _until_past(core, batch.id, reached)
            finally:
                process.send_signal(signal.SIGKILL)
                await asyncio.to_thread(process.communicate)
        assert (await read_batch(core, batch.id)).state is BatchState.STARTING

        while await start_chunk(core, batch.id):
            pass
        await start_whole(core, batch.id)

        rows = await verdicts(core, batch.id)
        told = as_told(messy, ids_of=rows)
        assert rows == told
        async with core.database.reading() as connection:
            payouts = await connection.fetchval("SELECT count(*) FROM payout")
            reserved = await connection.fetchval("SELECT count(*) FROM transfer WHERE kind = 'reserve'")
        assert payouts == reserved == sum(verdict == "accepted" for _, _, verdict, _ in told)
        assert (await verify(core.database)).broken == ()


@pytest.mark.promise("G1")
@pytest.mark.incident("I18")
async def test_two_processes_start_one_batch_together(tmp_path, database_dsn, messy):
    async with season_core(tmp_path, database_dsn) as core:
        batch = await stage_file(core, messy)
        await start(core, batch.id, actor="test")

        async def starter() -> None:
            while (await read_batch(core, batch.id)).state is not BatchState.STARTED:
                await start_chunk(core, batch.id, 100)

        await asyncio.gather(*(starter() for _ in range(4)))

        rows = await verdicts(core, batch.id)
        assert rows == as_told(messy, ids_of=rows)
        assert (await verify(core.database)).broken == ()


@pytest.mark.promise("G8")
async def test_a_large_file_is_staged_in_bounded_memory(tmp_path, database_dsn):
    path = tmp_path / "large.csv"
    write_clean_rewards(path, 200_000)
    async with season_core(tmp_path, database_dsn):
        process = batch_process("stage", tmp_path / "rewardrails.toml", database_dsn, path)
        output, _ = await asyncio.to_thread(process.communicate)

    told = json.loads(output)
    assert told["rows"] == 200_000
    assert told["peak_kib"] < 300 * MEGABYTE_KIB


async def _until_past(core, batch_id, reached: int) -> int:
    end = clock.monotonic() + 30
    while True:
        now = (await read_batch(core, batch_id)).started_to
        if now > reached:
            return now
        assert clock.monotonic() < end
        await asyncio.sleep(0.01)
