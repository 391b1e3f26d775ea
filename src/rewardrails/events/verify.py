"""Is the log in the database still what was decided, sealed and signed? Recomputed from the columns, nothing is believed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from rewardrails.events.audit import LATE_SECONDS
from rewardrails.events.checkpoint import Checkpoint
from rewardrails.events.checkpoint_store import CheckpointStore
from rewardrails.events.payouts import compare_payouts
from rewardrails.events.signing import Believed
from rewardrails.events.walk import Fault, Place, Row, Tampering, Walk
from rewardrails.store.database import Connection, Database, one
from rewardrails.store.sql import sql

ROWS_AT_ONCE = 2000
EVERYTHING = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a verification found; `signed_to` is the last position that a checkpoint vouches for (0: none does).

    `goes_on_to` is a position that the log reached, by a checkpoint, beyond what was looked at (0: none is known).
    """

    events: int
    checkpoints: int
    signed_to: int
    waiting: int
    payouts: int
    fault: Fault | None
    goes_on_to: int = 0


async def verify_log(
    database: Database,
    *,
    checkpoints: CheckpointStore | None = None,
    believed: Believed | None = None,
    is_copy: bool = False,
    batch: int = ROWS_AT_ONCE,
) -> Report:
    """Go through the whole log as it stands at one moment, and hold payouts against what it says of them.

    `is_copy`: the checkpoints are a copy of some day, which says nothing of what came after it.
    """
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
        fault = fault or await _unsealed(connection, sealed["position"])
        if checkpoints is not None and not is_copy:
            fault = fault or await _unsigned(connection, walk.signed_to)
        payouts = 0
        if fault is None:
            payouts, fault = await compare_payouts(connection, batch)
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


async def _unsealed(connection: Connection, end: int) -> Fault | None:
    """Events that should have their place by now, and one that could never get any."""
    row = one(await connection.fetchrow(sql("oldest_unsealed")))
    if row["of_nobody"] is not None:
        words = (
            f"event {row['of_nobody']} claims a transaction that never was: it was inserted, and would never be sealed"
        )
        return Fault(kind=Tampering.INSERTED, position=end + 1, words=words)
    if (row["seconds"] or 0.0) > LATE_SECONDS:
        words = f"events wait for their seal for {row['seconds']:.0f} seconds: start a worker, then verify again"
        return Fault(kind=Tampering.UNSEALED, position=end + 1, words=words)
    return None


async def _unsigned(connection: Connection, signed_to: int) -> Fault | None:
    """Sealed events that a checkpoint should vouch for by now."""
    row = one(await connection.fetchrow(sql("unsigned_since"), signed_to))
    if row["events"] <= 0 or row["oldest_seconds"] <= LATE_SECONDS:
        return None
    words = (
        f"no checkpoint here vouches for the last {row['events']} events, from position {signed_to + 1} on: start a worker, or "
        "name the folder that the workers sign into; if one signed into this folder, its newest checkpoints were removed"
    )
    return Fault(kind=Tampering.UNSIGNED, position=signed_to + 1, words=words)


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
