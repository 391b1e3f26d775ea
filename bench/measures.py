"""One function a figure; each answers (ours, SQL-only) per second, measured after one another on the same server."""

import asyncio
import contextlib
import csv
import io
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

from bench import sql_only
from bench.world import (
    Stopwatch,
    World,
    answer_of,
    free_port,
    held_back,
    median,
    reward,
    surroundings,
    take_on,
    until,
    workers_seen,
)
from rewardrails.domain.assets import format_amount
from rewardrails.domain.reward import COLUMNS
from rewardrails.engine import batches
from rewardrails.intake.reader import FileFormat, read_rows
from rewardrails.security.keys import Scope, create_key
from rewardrails.store.embedded import EmbeddedPostgres
from rewardrails.store.sql import sql

PAID = "SELECT count(*) FROM payout WHERE state = 'paid'"
DELIVERED = "SELECT count(*) FROM delivery WHERE delivered_at IS NOT NULL"
EVERYTHING_TOLD = """
SELECT count(*) FROM payout WHERE state = 'paid'
  AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivered_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM event WHERE position IS NULL)"""
CLAIM = ("fake", 500, "bench", 30.0, None, 30.0)
FILL = """
INSERT INTO payout (id, campaign, reward_id, player_id, pool_id, asset, amount, fee_ceiling, reserved, jurisdiction,
    destination_kind, destination_ciphertext, destination_key_id, destination_digest, content_digest, provider, state, version,
    due_at, created_by)
SELECT gen_random_uuid(), 'bench', 'fill-' || n, 'p', pool.id, 'EUR', 1000, 0, 1000, 'DE', 'paypal_email', '\\x00', 'k', '\\x00',
    '\\x00', 'fake', 'ready', 1, rr_now() - n * interval '1 millisecond', 'bench'
FROM pool, generate_series($1::int, $2::int) AS n"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much each measure does."""

    file_rows: int
    payouts: int
    posts: int
    backlog: int
    plain: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Ours and the yardstick, per second (or milliseconds for the claim)."""

    ours: float
    limit: float


Measure = Callable[[EmbeddedPostgres, Sizes], Awaitable[Figure]]


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


async def intake(server: EmbeddedPostgres, sizes: Sizes) -> Figure:
    """Rows of a file staged, beside the staging statements alone with prepared columns."""
    pieces = list(clean_file(sizes.file_rows))

    async def data() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async with surroundings(server) as world:
        core = world.core
        rules = core.config.row_rules()
        prepared = [
            batches._columns(core, chunk.rows)  # noqa: SLF001 - the yardstick runs the very same columns
            async for chunk in read_rows(data(), FileFormat.CSV, rules, rows_per_chunk=batches.STAGE_CHUNK)
        ]
        batch_id = await batches.open_batch(core, name="sql", file_format=FileFormat.CSV, actor="bench")
        watch = Stopwatch()
        for columns in prepared:
            async with core.database.transaction() as tx:
                await tx.execute(sql("stage_rows"), batch_id, *columns)
        limit = watch.rate(sizes.file_rows)
    async with surroundings(server) as world:
        batch_id = await batches.open_batch(world.core, name="ours", file_format=FileFormat.CSV, actor="bench")
        watch = Stopwatch()
        await batches.stage(world.core, batch_id, data())
        return Figure(ours=watch.rate(sizes.file_rows), limit=limit)


async def _sql_life(server: EmbeddedPostgres, payouts: int) -> float:
    async with surroundings(server) as world:
        await take_on(world.core, payouts)
        return await sql_only.life(world.core, payouts)


async def _life(server: EmbeddedPostgres, sizes: Sizes, *, workers: int) -> Figure:
    limit = await _sql_life(server, sizes.payouts)
    async with surroundings(server) as world, held_back(world.core) as go:
        await take_on(world.core, sizes.payouts)
        with contextlib.ExitStack() as children:
            children.enter_context(world.child("api", str(world.api_port)))
            for _ in range(workers):
                children.enter_context(world.child("worker"))
            await workers_seen(world.core, workers)
            watch = Stopwatch()
            await go()
            await until(world.core, PAID, sizes.payouts)
            return Figure(ours=watch.rate(sizes.payouts), limit=limit)


async def life_with_one_worker(server: EmbeddedPostgres, sizes: Sizes) -> Figure:
    """Accept, send over HTTP, signed webhook, paid; events written and sealed, not delivered."""
    return await _life(server, sizes, workers=1)


async def life_with_two_workers(server: EmbeddedPostgres, sizes: Sizes) -> Figure:
    """The same with two worker processes."""
    return await _life(server, sizes, workers=2)


async def life_with_delivery(server: EmbeddedPostgres, sizes: Sizes) -> Figure:
    """The same with one worker that also delivers every signed event to the game."""
    port = free_port()
    limit = await _sql_life(server, sizes.payouts)
    async with surroundings(server, endpoint_port=port) as world, held_back(world.core) as go:
        with world.child("api", str(world.api_port)), world.child("endpoint", str(port)), world.child("worker"):
            await take_on(world.core, sizes.payouts)
            await until(world.core, DELIVERED, sizes.payouts)
            watch = Stopwatch()
            await go()
            await until(world.core, EVERYTHING_TOLD, sizes.payouts)
            return Figure(ours=watch.rate(sizes.payouts), limit=limit)


async def single_creates(server: EmbeddedPostgres, sizes: Sizes) -> Figure:
    """POST /v1/payouts one by one over 64 connections, beside groups of 64."""
    async with surroundings(server) as world:
        limit = await sql_only.creates(world.core, sizes.posts)
    async with surroundings(server) as world:
        _, token = await create_key(
            world.core.database, world.core.vault, name="bench", scopes=frozenset({Scope.PAYOUTS}), actor="bench"
        )
        return await _posted(world, sizes.posts, limit, "creates", token.reveal())


async def webhook_intake(server: EmbeddedPostgres, sizes: Sizes) -> Figure:
    """Signed notices verified and stored over 64 connections, beside groups of 64 stored."""
    async with surroundings(server) as world:
        limit = await sql_only.notices(world.core, sizes.posts)
        return await _posted(world, sizes.posts, limit, "notices", world.fake.webhook_secret)


async def _posted(world: World, count: int, limit: float, role: str, secret: str) -> Figure:
    with (
        world.child("api", str(world.api_port)),
        world.child(role, str(world.api_port), secret, str(count)) as client,
    ):
        seconds = (await asyncio.to_thread(answer_of, client))["seconds"]
        return Figure(ours=count / seconds, limit=limit)


async def plain_worker(server: EmbeddedPostgres, sizes: Sizes) -> Figure:
    """One worker's whole life, beside a one-job-one-transaction worker that only sends."""
    async with surroundings(server) as world:
        await take_on(world.core, sizes.plain)
        with world.child("plain", str(sizes.plain)) as client:
            seconds = (await asyncio.to_thread(answer_of, client))["seconds"]
    ours = await life_with_one_worker(server, sizes)
    return Figure(ours=ours.ours, limit=sizes.plain / seconds)


async def claim_behind_a_backlog(server: EmbeddedPostgres, sizes: Sizes) -> Figure:
    """Milliseconds of a claim of 500 with the large backlog, beside one with 10,000."""
    async with surroundings(server) as world:
        small = await _claim_after_filling(world, 1, 10_000)
        large = await _claim_after_filling(world, 10_001, sizes.backlog)
        return Figure(ours=large, limit=small)


async def _claim_after_filling(world: World, first: int, last: int) -> float:
    times = []
    async with world.core.database.transaction() as tx:
        await tx.execute(FILL, first, last, timeout=600)
    for _ in range(21):
        async with world.core.database.reading() as connection:
            transaction = connection.transaction()
            await transaction.start()
            watch = Stopwatch()
            await connection.fetch(sql("claim_ready"), *CLAIM)
            times.append(1000 / watch.rate(1))
            await transaction.rollback()
    return median(times)


def million_rows_in(rows: int) -> int:
    """Peak memory (MB) of a process that stages a file of `rows` rows."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.staging", str(rows)], check=True, capture_output=True, text=True
    )
    return int(done.stdout.strip().splitlines()[-1])


def peak_megabytes() -> int:
    """Peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
