"""Real season files, row by row, from the file to the provider's journal."""

import asyncio
import csv
from pathlib import Path
from uuid import UUID

import pytest

from rewardrails import clock
from rewardrails.engine.batches import BatchState, totals
from rewardrails.engine.core import Core
from rewardrails.errors import FileInvalid, StateConflict
from rewardrails.ledger.invariants import verify
from rewardrails.testing.fake_provider.client import FakeProviderProcess
from rewardrails.worker.worker import Worker
from tests.support.batches import (
    DATA,
    as_told,
    expected,
    season_core,
    stage_file,
    start_whole,
    verdicts,
)
from tests.support.gates import in_force
from tests.support.stage import fund

SEASONS = [DATA / f"season-{number}.csv" for number in (7, 8, 9)]
EXPONENTS = "USD=2,EUR=2,ton:native=9,custodial:USDT=6"
PATIENCE_SECONDS = 60.0


async def counted(core: Core, table: str) -> int:
    async with core.database.reading() as connection:
        found: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
    return found


def accepted_in(path: Path) -> int:
    return sum(verdict == "accepted" for _, _, verdict, _ in expected(path))


@pytest.mark.promise("G2")
@pytest.mark.parametrize("path", SEASONS, ids=lambda path: path.stem)
async def test_every_row_ends_as_told_and_moves_no_money_before_the_start(tmp_path, database_dsn, path):
    async with season_core(tmp_path, database_dsn) as core:
        batch = await stage_file(core, path)

        staged = await verdicts(core, batch.id)
        assert staged == as_told(path, ids_of=staged)
        assert await counted(core, "payout") == 0

        await start_whole(core, batch.id)

        assert await verdicts(core, batch.id) == staged
        assert await counted(core, "payout") == accepted_in(path)
        assert (await verify(core.database)).broken == ()


@pytest.mark.promise("G1")
@pytest.mark.incident("I18")
async def test_the_same_file_again_is_the_same_batch_and_makes_nothing_new(tmp_path, database_dsn):
    path = SEASONS[0]
    async with season_core(tmp_path, database_dsn) as core:
        first = await stage_file(core, path)
        again = await stage_file(core, path)
        await start_whole(core, first.id)
        made = await counted(core, "payout")

        late = await stage_file(core, path)
        await start_whole(core, late.id)

        assert {first.id, again.id, late.id} == {first.id}
        assert await counted(core, "batch") == 1
        assert await counted(core, "batch_row") == first.rows_staged
        assert await counted(core, "payout") == made == accepted_in(path)
        assert await counted(core, "transfer WHERE kind = 'reserve'") == made


@pytest.mark.promise("G1")
@pytest.mark.incident("I18")
async def test_the_same_rewards_in_another_file_are_replayed(tmp_path, database_dsn):
    path = SEASONS[0]
    other = tmp_path / "renamed.csv"
    other.write_bytes(path.read_bytes() + b"\n")
    async with season_core(tmp_path, database_dsn) as core:
        first, second = await stage_file(core, path), await stage_file(core, other)
        assert first.id != second.id

        await asyncio.gather(start_whole(core, first.id), start_whole(core, second.id))

        told = {(line.verdict, line.code) for line in (await totals(core, second.id)).lines}
        assert ("refused", "pool_exhausted") not in told
        assert await counted(core, "payout") == accepted_in(path)
        assert await counted(core, "transfer WHERE kind = 'reserve'") == accepted_in(path)
        claimed = [one[2] for one in await verdicts(core, first.id) + await verdicts(core, second.id)]
        assert claimed.count("accepted") == accepted_in(path)


async def test_rows_that_the_pool_could_not_bear_are_taken_up_by_starting_again(tmp_path, database_dsn):
    path = SEASONS[0]
    async with season_core(tmp_path, database_dsn, funded=10**8) as core:
        batch = await stage_file(core, path)
        await start_whole(core, batch.id)
        short = [one for one in await verdicts(core, batch.id) if one[3] == "pool_exhausted"]
        assert short
        assert await counted(core, "payout") == accepted_in(path) - len(short)

        await fund(core, 10**18)
        await start_whole(core, batch.id)

        rows = await verdicts(core, batch.id)
        assert rows == as_told(path, ids_of=rows)
        assert await counted(core, "payout") == accepted_in(path)
        assert (await verify(core.database)).broken == ()


@pytest.mark.parametrize(
    "content",
    [b"reward,player\n1,2\n", b"", b"\x00\x01\x02", b"reward_id;player_id\n"],
    ids=["other header", "empty", "binary", "semicolons"],
)
async def test_a_file_that_is_none_of_ours_is_refused_whole(tmp_path, database_dsn, content):
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    async with season_core(tmp_path, database_dsn) as core:
        with pytest.raises(FileInvalid):
            await stage_file(core, path)
        assert await counted(core, "batch_row") == 0
        (batch_id,) = [row["id"] for row in await _rows(core, "SELECT id FROM batch")]
        with pytest.raises(StateConflict):
            await start_whole(core, batch_id)
        assert await counted(core, "payout") == 0


async def test_a_file_without_rows_is_a_batch_without_payouts(tmp_path, database_dsn):
    path = tmp_path / "header.csv"
    path.write_bytes(SEASONS[0].read_bytes().splitlines(keepends=True)[0])
    async with season_core(tmp_path, database_dsn) as core:
        batch = await stage_file(core, path)
        await start_whole(core, batch.id)
        assert (await verdicts(core, batch.id), await core_state(core, batch.id)) == ([], BatchState.STARTED)


@pytest.mark.promise("G1", "G2", "G3")
async def test_a_season_is_paid_out_to_the_last_row(tmp_path, database_dsn):
    """Control totals: what the provider's journal holds is what the file says, reward by reward."""
    path = SEASONS[0]
    arguments = ("--mix", "settle=1", "--assets", EXPONENTS)
    async with FakeProviderProcess(tmp_path / "fake", arguments=arguments) as fake:
        secrets = {"FAKE_TOKEN": fake.token, "FAKE_WEBHOOK_SECRET": fake.webhook_secret}
        async with season_core(tmp_path, database_dsn, url=fake.url, secrets=secrets) as core:
            batch = await stage_file(core, path)
            await start_whole(core, batch.id)
            by_hand = await counted(core, "payout WHERE provider = 'manual'")
            await _allow_wallets(core)
            worker = Worker(core)
            running = asyncio.create_task(worker.run())
            await _until_paid(core)
            worker.stop()
            await running

            told = await fake.control.totals()
            assert set(told.standing_by_payout.values()) == {1}
            assert told.accepted == accepted_in(path) - by_hand
            assert told.paid_minor_by_asset == await _owed(core)
            assert (await core_state(core, batch.id)) is BatchState.STARTED
            assert (await verify(core.database)).broken == ()


async def _allow_wallets(core: Core) -> None:
    """A legal approval for what goes to a place on a blockchain."""
    fake = core.config.providers["fake"]
    places = {row["jurisdiction"] for row in await _rows(core, "SELECT DISTINCT jurisdiction FROM payout")}
    wallets = frozenset({"ton:native", "custodial:USDT"})
    every = {"jurisdictions": frozenset(places), "campaigns": frozenset({"*"})}
    await in_force(core, provider_type=fake.type, adapter=fake.adapter, assets=wallets, **every)


async def core_state(core: Core, batch_id: UUID) -> BatchState:
    (row,) = await _rows(core, "SELECT state FROM batch WHERE id = $1", batch_id)
    return BatchState(row["state"])


async def _rows(core: Core, statement: str, *arguments: object):
    async with core.database.reading() as connection:
        return await connection.fetch(statement, *arguments)


async def _until_paid(core: Core) -> None:
    end = clock.monotonic() + PATIENCE_SECONDS
    while await counted(core, "payout WHERE provider = 'fake' AND state <> 'paid'"):
        assert clock.monotonic() < end
        await asyncio.sleep(0.1)


async def _owed(core: Core) -> dict[str, int]:
    """Smallest units per asset, from the file itself: accepted rows that are not paid by hand."""
    exponents = {code: asset.exponent for code, asset in core.config.assets.items()}
    accepted = {row for row, _, verdict, _ in expected(SEASONS[0]) if verdict == "accepted"}
    owed: dict[str, int] = {}
    with SEASONS[0].open(encoding="utf-8-sig", errors="replace", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            if number in accepted and row["destination_kind"] != "manual_note":
                units, _, places = row["amount"].strip().partition(".")
                exponent = exponents[row["asset"]]
                owed[row["asset"]] = owed.get(row["asset"], 0) + int(units + places.ljust(exponent, "0"))
    return owed
