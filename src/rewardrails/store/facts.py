"""Writing to the one event log, in the transaction that decides what it tells."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from rewardrails.store import origin
from rewardrails.store.database import Connection
from rewardrails.store.sql import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One event to be told: `version` counts the events of one subject from 1, `data` is a JSON object as text.

    `before` and `after` are digests of what it changed (32 bytes each), where that means something.
    """

    subject_id: UUID
    version: int
    type: str
    data: str = "{}"
    before: bytes | None = None
    after: bytes | None = None
    origin: str = field(default_factory=origin.current)


async def record_facts(tx: Connection, facts: Sequence[Fact], *, actor: str) -> None:
    """Write events of one actor, in one statement."""
    await tx.execute(
        sql("record_events"),
        [fact.subject_id for fact in facts],
        [fact.version for fact in facts],
        [fact.type for fact in facts],
        [fact.data for fact in facts],
        actor,
        [fact.origin for fact in facts],
        [fact.before for fact in facts],
        [fact.after for fact in facts],
    )


async def tell(tx: Connection, subject_id: UUID, event: str, actor: str, **data: object) -> None:
    """Write the next event of a subject that this transaction holds; `data` is what JSON knows."""
    version = await tx.fetchval(sql("next_version_of"), subject_id)
    await record_facts(
        tx, [Fact(subject_id=subject_id, version=version, type=event, data=json.dumps(data))], actor=actor
    )


def payout_digest(*, state: str, amount_minor: int, destination_digest: bytes, content_digest: bytes) -> bytes:
    """What the database's `payout_digest` answers for such a payout (32 bytes)."""
    return sha256(f"{state}\x1f{amount_minor}\x1f".encode() + destination_digest + content_digest).digest()
