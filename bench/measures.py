"""One function a letter; each answers its figures, ours and the yardstick measured after one another on the same server."""

import asyncio
import contextlib
import csv
import io
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench import sql_only
from bench.cpu import CpuMeter
from bench.figure import Figure, Sizes
from bench.world import (
    GATES,
    Stopwatch,
    World,
    answer_of,
    free_port,
    held_back,
    reward,
    surroundings,
    take_on,
    until,
    workers_seen,
)
from rewardrails.domain.assets import format_amount
from rewardrails.domain.reward import COLUMNS
from rewardrails.engine import batches
from rewardrails.engine.core import Core
from rewardrails.intake.reader import FileFormat, StagedRow, read_rows
from rewardrails.security.keys import Scope, create_key
from rewardrails.security.vault import new_salts
from rewardrails.store.embedded import EmbeddedPostgres
from rewardrails.store.sql import sql

ALL_SEALED = """
SELECT count(*) FROM payout WHERE state = 'paid' AND NOT EXISTS (SELECT 1 FROM event WHERE position IS NULL)"""
DELIVERED = "SELECT count(*) FROM delivery WHERE delivered_at IS NOT NULL"
EVERYTHING_TOLD = """
SELECT count(*) FROM payout WHERE state = 'paid'
  AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivered_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM event WHERE position IS NULL)"""
SQL_ALONE = "SQL alone, 500 at once"


def clean_file(rows: int) -> Iterator[bytes]:
    """A season's file without mistakes, in pieces."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for number in range(rows):
        row = reward(number)
        writer.writerow(
            (
                row.reward_id,
                row.player_id,
                row.campaign,
                format_amount(row.amount_minor, 2),
                row.asset,
                row.jurisdiction,
                row.destination.kind,
                row.destination.value,
                "",
            )
        )
        if number % 1000 == 999:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


async def _pieces(rows: int) -> AsyncIterator[bytes]:
    for piece in clean_file(rows):
        yield piece


async def intake(server: EmbeddedPostgres, sizes: Sizes) -> Sequence[Figure]:
    """Rows of a file staged, beside the staging statements alone with prepared columns."""
    pieces = list(clean_file(sizes.file_rows))

    async def data() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async with surroundings(server) as world:
        core = world.core
        rules = core.config.row_rules()
        prepared = [
            _columns(core, chunk.rows)
            async for chunk in read_rows(data(), FileFormat.CSV, rules, rows_per_chunk=batches.STAGE_CHUNK)
        ]
        batch_id = await batches.open_batch(core, name="sql", file_format=FileFormat.CSV, actor="bench")
        watch = Stopwatch()
        for players, salts, columns in prepared:
            async with core.database.transaction() as tx:
                await tx.execute(sql("writing_for_players"))
                await tx.fetch(sql("player_salts"), players)
                await tx.fetch(sql("make_player_salts"), players, salts)
                await tx.execute(sql("stage_rows"), batch_id, *columns)
        limit = watch.rate(sizes.file_rows)
    async with surroundings(server) as world:
        batch_id = await batches.open_batch(world.core, name="ours", file_format=FileFormat.CSV, actor="bench")
        watch = Stopwatch()
        await batches.stage(world.core, batch_id, data())
        ours = watch.rate(sizes.file_rows)
    beside = f"SQL alone, {batches.STAGE_CHUNK:,} at once"
    return [Figure(what="file intake, rows/s", beside=beside, ours=ours, limit=limit)]


async def life_with_one_worker(server: EmbeddedPostgres, sizes: Sizes) -> Sequence[Figure]:
    """Ready, sent over HTTP, signed notice, paid; events written and sealed, not delivered."""
    return [await _life(server, sizes, what="whole life, 1 worker, payouts/s", workers=1)]


async def life_with_two_workers(server: EmbeddedPostgres, sizes: Sizes) -> Sequence[Figure]:
    """The same with two worker processes."""
    return [await _life(server, sizes, what="whole life, 2 workers, payouts/s", workers=2)]


async def life_with_delivery(server: EmbeddedPostgres, sizes: Sizes) -> Sequence[Figure]:
    """The same with one worker that also delivers every signed event to the game."""
    return [await _life(server, sizes, what="whole life and delivery, payouts/s", workers=1, delivers=True)]


async def life_behind_gates(server: EmbeddedPostgres, sizes: Sizes) -> Sequence[Figure]:
    """Limits, a list of 10,000 destinations and cooling-off for every payout, beside a worker that asks no gate."""
    without = await _life(server, sizes, what="", workers=1, gates="", role="ungated")
    behind = await _life(server, sizes, what="whole life behind gates, payouts/s", workers=1, gates=GATES)
    return [replace(behind, beside="no gate asked", limit=without.ours)]


async def _life(
    server: EmbeddedPostgres,
    sizes: Sizes,
    *,
    what: str,
    workers: int,
    delivers: bool = False,
    gates: str = "",
    role: str = "worker",
) -> Figure:
    async with surroundings(server) as world:
        await take_on(world.core, sizes.payouts)
        limit = await sql_only.life(world.core, sizes.payouts)
    port = free_port() if delivers else None
    async with surroundings(server, endpoint_port=port, gates=gates) as world, held_back(world.core) as go:
        with contextlib.ExitStack() as children:
            processes = {"fake provider": [world.fake_pid()]}
            if port:
                processes["game"] = [children.enter_context(world.child("endpoint", str(port))).pid]
            processes["API"] = [children.enter_context(world.child("api", str(world.api_port))).pid]
            processes["workers"] = [children.enter_context(world.child(role)).pid for _ in range(workers)]
            await take_on(world.core, sizes.payouts)
            await workers_seen(world.core, workers)
            if delivers:  # the acceptances; what is measured begins with the sending
                await until(world.core, DELIVERED, sizes.payouts)
            meter = await CpuMeter.start(world.core, processes)
            watch = Stopwatch()
            await go()
            await until(world.core, EVERYTHING_TOLD if delivers else ALL_SEALED, sizes.payouts)
            ours = watch.rate(sizes.payouts)
            cpu = await meter.microseconds_each(sizes.payouts)
    return Figure(what=what, beside=SQL_ALONE, ours=ours, limit=limit, cpu=cpu)


async def single_creates(server: EmbeddedPostgres, sizes: Sizes) -> Sequence[Figure]:
    """POST /v1/payouts one by one over 64 connections, beside groups of 64."""
    async with surroundings(server) as world:
        limit = await sql_only.creates(world.core, sizes.posts)
    async with surroundings(server) as world:
        _, token = await create_key(
            world.core.database, world.core.vault, name="bench", scopes=frozenset({Scope.PAYOUTS}), actor="bench"
        )
        what = "single POST /v1/payouts, 64 connections, /s"
        return [await _posted(world, sizes.posts, limit, what, "creates", token.reveal())]


async def webhook_intake(server: EmbeddedPostgres, sizes: Sizes) -> Sequence[Figure]:
    """Signed notices verified and stored over 64 connections, beside groups of 64 stored."""
    async with surroundings(server) as world:
        limit = await sql_only.notices(world.core, sizes.posts)
        what = "webhook intake, 64 connections, /s"
        return [await _posted(world, sizes.posts, limit, what, "notices", world.fake.webhook_secret)]


async def _posted(world: World, count: int, limit: float, what: str, role: str, secret: str) -> Figure:
    with (
        world.child("api", str(world.api_port)) as api,
        world.child(role, str(world.api_port), secret, str(count)) as client,
    ):
        meter = await CpuMeter.start(world.core, {"API": [api.pid], "client": [client.pid]})
        world.go(client)
        seconds = (await asyncio.to_thread(answer_of, client))["seconds"]
        cpu = await meter.microseconds_each(count)
    return Figure(what=what, beside="SQL alone, 64 at once", ours=count / seconds, limit=limit, cpu=cpu)


async def plain_worker(server: EmbeddedPostgres, sizes: Sizes) -> Sequence[Figure]:
    """One worker's whole life, beside a one-job-one-transaction worker that only sends."""
    async with surroundings(server) as world:
        await take_on(world.core, sizes.plain)
        with world.child("plain", str(sizes.plain)) as client:
            seconds = (await asyncio.to_thread(answer_of, client))["seconds"]
    (ours,) = await life_with_one_worker(server, sizes)
    plain = sizes.plain / seconds
    return [Figure(what=ours.what, beside="one job, one transaction", ours=ours.ours, limit=plain)]


def million_rows_in(rows: int) -> int:
    """Peak memory (MB) of a process that stages a file of `rows` rows."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.staging", str(rows)], check=True, capture_output=True, text=True
    )
    return int(done.stdout.strip().splitlines()[-1])


def peak_megabytes() -> int:
    """Peak memory of this process; `ru_maxrss` would start at its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def _columns(core: Core, rows: Sequence[StagedRow]) -> tuple[list[str], list[bytes], tuple[object, ...]]:
    """The players of a chunk, their salts, and the very columns it is staged with."""
    players = sorted({row.reward.player_id for row in rows if row.reward})
    salts = dict(zip(players, new_salts(len(players)), strict=True))
    sealed = batches._sealed(core, rows, salts)  # noqa: SLF001 - the yardstick runs what is measured
    columns = (*batches._columns(core, rows), sealed, core.vault.key_id)  # noqa: SLF001
    return players, list(salts.values()), columns
