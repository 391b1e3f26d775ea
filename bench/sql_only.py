"""The same rows through the same statements, with nothing around them: what the database alone would allow."""

from uuid import UUID

from bench.world import Stopwatch
from rewardrails import ids
from rewardrails.engine.core import Core
from rewardrails.store.database import Connection
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql

BATCH = 500
EVIDENCE = b"x" * 400


async def life(core: Core, count: int) -> float:
    """Payouts a second from ready to paid: claim, accepted, notice stored, notice applied, sealed."""
    watch = Stopwatch()
    for _ in range(0, count, BATCH):
        async with core.database.transaction() as tx:
            await tx.execute(sql("lock_provider"), "fake")
            await tx.fetchval(sql("take_budget"), "fake", BATCH, 100_000, None, 1.0, 5.0)
            payouts = [row["id"] for row in await tx.fetch(sql("pick_ready"), "fake", BATCH, [])]
            await tx.fetch(sql("claim_ready"), "fake", payouts, "bench", 30.0, None, 30.0)
        async with core.database.transaction() as tx:
            await _move(tx, core, payouts, 2, "pending", "accepted", settle=False)
        async with core.database.transaction() as tx:
            keys = [payout.hex for payout in payouts]
            blobs = [EVIDENCE] * len(keys)
            await tx.execute(
                sql("insert_webhooks"), [ids.new_id() for _ in keys], ["fake"] * len(keys), keys, blobs, blobs, "k"
            )
        async with core.database.transaction() as tx:
            claimed = await tx.fetch(sql("claim_webhooks"), BATCH, 3600.0)
            await _move(tx, core, payouts, 3, "paid", "settled", settle=True)
            await tx.execute(
                sql("settle_webhooks"),
                [row["id"] for row in claimed],
                ["applied"] * len(claimed),
                [None] * len(claimed),
                [0.0] * len(claimed),
                *([row["body"] for row in claimed], ["k"] * len(claimed), ["p"] * len(claimed)),
            )
        await _seal(core)
    rate = watch.rate(count)
    async with core.database.reading() as connection:
        paid = await connection.fetchval("SELECT count(*) FROM payout WHERE state = 'paid'")
    if paid != count:
        raise RuntimeError(f"the statements alone paid {paid} of {count}")
    return rate


async def _move(
    tx: Connection, core: Core, payouts: list[UUID], version: int, to_state: str, attempt_to: str, *, settle: bool
) -> None:
    count = len(payouts)
    rows = await tx.fetch(sql("lock_payouts"), payouts)
    await tx.fetch(sql("read_attempts"), payouts, [1] * count)
    settled = [(ids.new_id(), row["id"], row["amount"]) for row in rows] if settle else []
    await tx.fetch(
        sql("write_moves"),
        payouts,
        [version] * count,
        [to_state] * count,
        *([None] * count, [None] * count, [0.0] * count, [0] * count, [None] * count),
        [f"payout.{to_state}"] * count,
        ['{"from": "submitting"}'] * count,
        [None] * count,
        "bench",
        [made for made, _, _ in settled],
        [payout for _, payout, _ in settled],
        ["settle"] * len(settled),
        ["reserved"] * len(settled),
        ["paid"] * len(settled),
        [amount for _, _, amount in settled],
        ["submitting"] * count,
        "bench",
    )
    await tx.execute(
        sql("write_attempts"),
        payouts,
        [1] * count,
        [attempt_to] * count,
        [None] * count,
        [payout.hex for payout in payouts],
        [None if settle else 30.0] * count,
    )
    await tx.execute(
        sql("insert_observations"),
        [ids.new_id() for _ in payouts],
        payouts,
        [1] * count,
        *(["fake"] * count, ["call"] * count, [to_state] * count, ["applied"] * count),
        *([None] * count, [None] * count),
        [payout.hex for payout in payouts],
        [EVIDENCE] * count,
        core.vault.key_id,
        "bench",
    )


async def _seal(core: Core) -> None:
    async with core.database.transaction() as tx:
        state = await tx.fetchrow(sql("lock_seal"))
        rows = await tx.fetch(sql("unsealed_events"), 5000)
        if not rows or state is None:
            return
        positions = range(state["position"] + 1, state["position"] + 1 + len(rows))
        await tx.execute(sql("seal_events"), [row["n"] for row in rows], list(positions), [bytes(32)] * len(rows))
        await tx.execute(sql("advance_seal"), positions[-1], bytes(32))


async def creates(core: Core, count: int, group: int = 64) -> float:
    """Payouts a second taken on in groups, idempotency keys included."""
    async with core.database.reading() as connection:
        pool_id = await connection.fetchval("SELECT id FROM pool")
    watch = Stopwatch()
    for start in range(0, count, group):
        size = min(group, count - start)
        made = [ids.new_id() for _ in range(size)]
        keys = [payout.hex for payout in made]
        blob = [EVIDENCE[:120]] * size
        async with core.database.transaction() as tx:
            await tx.fetch(sql("claim_idempotency_keys"), "bench", "sql", keys, blob)
            await tx.fetch(sql("pools_by_name"))
            await tx.fetch(
                sql("insert_payouts"),
                made,
                ["bench"] * size,
                keys,
                keys,
                [pool_id] * size,
                ["EUR"] * size,
                [1000] * size,
                [0] * size,
                ["DE"] * size,
                ["paypal_email"] * size,
                blob,
                ["k"] * size,
                blob,
                blob,
                ["fake"] * size,
                ["ready"] * size,
                *([None] * size, [None] * size, [None] * size),
                "bench",
                [None] * size,
                blob,
                [None] * size,
                [True] * size,
                *([None] * size, [None] * size),
            )
            await tx.fetch(sql("lock_available"), [pool_id])
            await tx.execute(
                sql("insert_transfers"),
                [ids.new_id() for _ in made],
                [pool_id] * size,
                ["reserve"] * size,
                ["available"] * size,
                ["reserved"] * size,
                [1000] * size,
                made,
                [1] * size,
                [None] * size,
                "bench",
            )
            facts = [Fact(subject_id=payout, version=1, type="payout.accepted", after=bytes(32)) for payout in made]
            await record_facts(tx, facts, actor="bench")
            await tx.fetch(sql("payouts_by_reward"), ["bench"] * size, keys)
            await tx.execute(sql("store_responses"), "bench", "sql", keys, [201] * size, blob)
    return watch.rate(count)


async def notices(core: Core, count: int, group: int = 64) -> float:
    """Notices a second stored in groups."""
    watch = Stopwatch()
    for start in range(0, count, group):
        size = min(group, count - start)
        made = [ids.new_id() for _ in range(size)]
        blobs = [EVIDENCE] * size
        async with core.database.transaction() as tx:
            await tx.execute(
                sql("insert_webhooks"), made, ["fake"] * size, [one.hex for one in made], blobs, blobs, "k"
            )
    return watch.rate(count)
