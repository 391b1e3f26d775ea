"""The one sealer: gives events their place in the log and chains their hashes, in batches, behind running transactions."""

import hashlib
from collections.abc import Sequence

from rewardrails.store.database import Connection, Database, one
from rewardrails.store.sql import sql

# What the game is told. The steps in between are history only.
TOLD = frozenset(
    {
        "payout.accepted",
        "payout.held",
        "payout.pending",
        "payout.paid",
        "payout.late_success",
        "payout.failed",
        "payout.canceled",
        "payout.returned",
        "payout.outcome_unknown",
    }
)
SEAL_BATCH = 2000


async def seal(database: Database, endpoints: Sequence[str], limit: int = SEAL_BATCH) -> int:
    """Seal the next events and queue their deliveries; answers how many. One process seals at a time."""
    return await database.run(lambda tx: _seal(tx, endpoints, limit))


async def _seal(tx: Connection, endpoints: Sequence[str], limit: int) -> int:
    state = await tx.fetchrow(sql("lock_seal"))
    if state is None:
        return 0
    rows = await tx.fetch(sql("unsealed_events"), limit)
    if not rows:
        return 0
    position, chain = state["position"], state["chain_hash"]
    positions = range(position + 1, position + 1 + len(rows))
    hashes = []
    for row in rows:
        chain = link(chain, row["leaf"])
        hashes.append(chain)
    await tx.execute(sql("seal_events"), [row["n"] for row in rows], list(positions), hashes)
    await tx.execute(sql("advance_seal"), positions[-1], chain)
    told = [(place, row["subject_id"]) for place, row in zip(positions, rows, strict=True) if row["type"] in TOLD]
    if told and endpoints:
        await tx.execute(
            sql("queue_deliveries"), list(endpoints), [place for place, _ in told], [subject for _, subject in told]
        )
    return len(rows)


def link(chain: bytes, leaf: bytes) -> bytes:
    """Hash of one more event on top of a chain (SHA-256 of both)."""
    return hashlib.sha256(chain + leaf).digest()


async def verify_chain(database: Database, batch: int = 5000) -> tuple[int, int | None]:
    """Recompute the chain; answers how many events were read and the first position that does not fit (None: all do)."""
    position, chain = 0, b""
    async with database.reading() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        sealed = one(await connection.fetchrow(sql("seal_state")))
        while rows := await connection.fetch(sql("chain"), position, batch):
            for row in rows:
                chain = link(chain, row["leaf"])
                if row["position"] != position + 1 or chain != row["chain_hash"]:
                    return position, position + 1
                position += 1
    if position != sealed["position"] or chain != sealed["chain_hash"]:
        return position, position + 1
    return position, None
