"""What a process needs to sign the log, and how it does: a checkpoint at most a minute behind what was sealed."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from rewardrails import clock
from rewardrails.events.checkpoint import Checkpoint
from rewardrails.events.checkpoint_store import CheckpointStore, CheckpointTaken
from rewardrails.events.signing import Believed, SigningKey
from rewardrails.store.database import Database, one
from rewardrails.store.sql import sql

CHECKPOINT_SECONDS = 30.0
"""How long after a checkpoint the next one is due, if events were sealed meanwhile."""
LATE_SECONDS = 60.0
"""What was sealed is signed within this time; later is an alarm."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Where checkpoints go, what signs them, whose are believed; `configured` unless both were made up."""

    store: CheckpointStore
    key: SigningKey
    believed: Believed
    configured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """What no checkpoint covers yet: how many sealed events, and the age of the oldest in seconds."""

    events: int
    oldest_seconds: float

    @property
    def is_late(self) -> bool:
        """Whether somebody must look after it."""
        return self.events < 0 or self.oldest_seconds > LATE_SECONDS


async def write_checkpoint(database: Database, audit: Audit, *, every_seconds: float = CHECKPOINT_SECONDS) -> int:
    """Sign the sealed log as it stands, if it grew and the last checkpoint is old enough; answers how many were written.

    A log that is not any more what was signed last is never signed over, nor is anything put behind a checkpoint that nobody
    we believe signed: that is told, loudly, every time.
    """
    last = await audit.store.last()
    if last is not None and not last.is_signed(audit.believed):
        log.error("checkpoint_not_ours", number=last.number, key_id=last.key_id)
        return 0
    if last is not None and timedelta() <= clock.now() - last.time < timedelta(seconds=every_seconds):
        return 0
    async with database.reading() as connection:
        head = one(await connection.fetchrow(sql("log_head"), last.position if last else 0))
    if last is not None and (head["position"] < last.position or head["hash_there"] != last.chain_hash):
        log.error("log_rewritten", since_checkpoint=last.number, position=last.position)
        return 0
    if head["position"] == (last.position if last else 0):
        return 0
    made = Checkpoint.sign(
        audit.key, after=last, position=head["position"], chain_hash=head["chain_hash"], time=clock.now()
    )
    try:
        await audit.store.append(made)
    except CheckpointTaken:  # another worker's is as good as ours
        return 0
    return 1


async def unsigned(database: Database, audit: Audit) -> Unsigned:
    """How far the checkpoints are behind the sealed log; fewer than no events means that the log became shorter."""
    last = await audit.store.last()
    async with database.reading() as connection:
        row = one(await connection.fetchrow(sql("unsigned_since"), last.position if last else 0))
    return Unsigned(events=row["events"], oldest_seconds=row["oldest_seconds"])
