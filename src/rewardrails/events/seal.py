"""The one sealer: gives events their place in the log and chains their hashes, in batches, behind running transactions."""

from collections.abc import Sequence

from rewardrails.events.canonical import link
from rewardrails.store.database import Connection, Database
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
    for place, row in zip(positions, rows, strict=True):
        chain = link(chain, row, place)
        hashes.append(chain)
    await tx.execute(sql("seal_events"), [row["n"] for row in rows], list(positions), hashes)
    await tx.execute(sql("advance_seal"), positions[-1], chain)
    told = [(place, row["subject_id"]) for place, row in zip(positions, rows, strict=True) if row["type"] in TOLD]
    if told and endpoints:
        await tx.execute(
            sql("queue_deliveries"), list(endpoints), [place for place, _ in told], [subject for _, subject in told]
        )
    return len(rows)
