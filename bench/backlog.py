"""How long a claim takes behind few and behind many ready payouts."""

from collections.abc import Sequence

from bench.figure import Figure, Sizes
from bench.world import Stopwatch, World, median, surroundings
from rewardrails.store.database import Connection
from rewardrails.store.embedded import EmbeddedPostgres
from rewardrails.store.sql import sql

SMALL = 10_000
CLAIMS = 21
CLAIM = 500
FILL_SECONDS = 600.0
# Ids ascend with the time of acceptance, as ours do.
FILL = """
INSERT INTO payout (id, campaign, reward_id, player_id, pool_id, asset, amount, fee_ceiling, reserved, jurisdiction,
    destination_kind, destination_ciphertext, destination_key_id, destination_digest, content_digest, provider, state, version,
    due_at, created_by)
SELECT ('01900000' || lpad(to_hex(1e15::bigint - n), 24, '0'))::uuid, 'bench',
    'fill-' || n, 'p', pool.id, 'EUR', 1000, 0, 1000, 'DE', 'paypal_email', '\\x00', 'k', '\\x00',
    '\\x00', 'fake', 'ready', 1, rr_now() - n * interval '1 millisecond', 'bench'
FROM pool, generate_series($1::int, $2::int) AS n"""


async def claims(server: EmbeddedPostgres, sizes: Sizes) -> Sequence[Figure]:
    """Milliseconds of a claim of 500: behind the large backlog, and once a tenth of it has been taken, beside 10,000."""
    async with surroundings(server) as world:
        await _fill(world, 1, SMALL)
        small = await _claim_ms(world)
        await _fill(world, SMALL + 1, sizes.backlog)
        large = await _claim_ms(world)
        for _ in range(sizes.backlog // 10 // CLAIM):
            async with world.core.database.transaction() as tx:
                await _claim(tx)
        later = await _claim_ms(world)
    what, beside = f"claim of 500 of {sizes.backlog:,} ready, ms", f"of {SMALL:,}"
    return [
        Figure(what=what, beside=beside, ours=large, limit=small),
        Figure(what=f"{what}, a tenth taken before", beside=beside, ours=later, limit=small),
    ]


async def _fill(world: World, first: int, last: int) -> None:
    async with world.core.database.transaction() as tx:
        await tx.execute(FILL, first, last, timeout=FILL_SECONDS)
    async with world.owner() as owner:
        await owner.execute("ANALYZE payout")


async def _claim_ms(world: World) -> float:
    times = []
    for _ in range(CLAIMS):
        async with world.core.database.reading() as connection:
            transaction = connection.transaction()
            await transaction.start()
            watch = Stopwatch()
            await _claim(connection)
            times.append(1000 / watch.rate(1))
            await transaction.rollback()
    return median(times)


async def _claim(connection: Connection) -> None:
    picked = [row["id"] for row in await connection.fetch(sql("pick_ready"), "fake", CLAIM, [])]
    await connection.fetch(sql("claim_ready"), "fake", picked, "bench", 30.0, None, 30.0)
