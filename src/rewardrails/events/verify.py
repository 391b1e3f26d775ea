"""Is the log in the database still what was decided, sealed and signed? Recomputed from the columns, nothing is believed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from rewardrails.events.checkpoint import Checkpoint
from rewardrails.events.checkpoint_store import CheckpointStore
from rewardrails.events.signing import Believed
from rewardrails.events.walk import Fault, Place, Row, Tampering, Walk
from rewardrails.store.database import Connection, Database, one
from rewardrails.store.sql import sql

ROWS_AT_ONCE = 2000
EVERYTHING = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a verification found; `signed_to` is the last position that a checkpoint vouches for (0: none does)."""

    events: int
    checkpoints: int
    signed_to: int
    waiting: int
    payouts: int
    fault: Fault | None


async def verify_log(
    database: Database,
    *,
    checkpoints: CheckpointStore | None = None,
    believed: Believed | None = None,
    batch: int = ROWS_AT_ONCE,
) -> Report:
    """Go through the whole log as it stands at one moment, and hold payouts against what it says of them."""
    known = await _count(checkpoints) if checkpoints else 0  # a later one would speak of events we do not see
    async with database.reading() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        sealed = one(await connection.fetchrow(sql("seal_state")))
        walk = Walk(
            after=Place(),
            head=Place(position=sealed["position"], chain_hash=sealed["chain_hash"]),
            checkpoints=_first(checkpoints, known),
            believed=believed or Believed(()),
            is_part=False,
        )
        fault = await walk.run(rows_of(connection, batch=batch))
        fault = await _seen_from_the_ends(connection, fault, sealed["position"])
        payouts = 0
        if fault is None:
            payouts, fault = await _compare_payouts(connection, batch)
    return Report(
        events=walk.at.position,
        checkpoints=walk.compared,
        signed_to=walk.signed_to,
        waiting=sealed["waiting"],
        payouts=payouts,
        fault=fault,
    )


async def rows_of(
    connection: Connection, *, after: int = 0, to: int = EVERYTHING, batch: int = ROWS_AT_ONCE
) -> AsyncIterator[Row]:
    """Sealed events in order, a page at a time."""
    while rows := await connection.fetch(sql("sealed_log"), after, batch, to):
        for row in rows:
            yield row
        after = rows[-1]["position"]


async def _seen_from_the_ends(connection: Connection, fault: Fault | None, sealed: int) -> Fault | None:
    """What nobody comes by who goes from the first place to the last: events before the first, and a table that ends early."""
    head = one(await connection.fetchrow(sql("log_head"), 0))
    if fault is None and head["first_row"] is not None and head["first_row"] < 1:
        place = head["first_row"]
        words = f"the event at position {place} was inserted: the log begins at 1"
        return Fault(kind=Tampering.INSERTED, position=place, words=words)
    if fault is None or fault.kind is not Tampering.FLIPPED or head["last_row"] >= sealed:
        return fault
    words = f"an event is missing at position {fault.position}, and those behind it were moved up"
    return Fault(kind=Tampering.MISSING, position=fault.position, words=words)


async def _compare_payouts(connection: Connection, batch: int) -> tuple[int, Fault | None]:
    seen, after = 0, None
    while True:
        page = one(await connection.fetchrow(sql("payouts_unlike_the_log"), after, batch))
        if page["unlike"]:
            which: UUID = page["unlike"][0]
            words = f"payout {which} is not what its last event says it became: its row was changed outside RewardRails"
            return seen, Fault(kind=Tampering.PAYOUT, position=0, words=words)
        if page["reached"] is None:
            return seen, None
        seen, after = seen + page["payouts"], page["reached"]


async def _count(store: CheckpointStore) -> int:
    count = 0
    async for _ in store.read():
        count += 1
    return count


async def _first(store: CheckpointStore | None, count: int) -> AsyncIterator[Checkpoint]:
    """So many checkpoints as they stand, whatever number they claim to be: each is held against its signature."""
    if store is None or count == 0:
        return
    async for checkpoint in store.read():
        yield checkpoint
        count -= 1
        if count == 0:
            return
