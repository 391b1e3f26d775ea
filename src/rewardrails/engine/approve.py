"""Approval by people: one person's word for exactly one content; void after any change, never the author's own."""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from rewardrails.domain.payout import PayoutState
from rewardrails.domain.policy.approvals import freshness
from rewardrails.domain.policy.case import Case
from rewardrails.domain.policy.verdict import Judgement
from rewardrails.engine.approval_digest import approval_digest
from rewardrails.engine.authors import require_no_author
from rewardrails.engine.core import Core
from rewardrails.engine.gates.again import judge_again
from rewardrails.engine.gates.facts import read_facts
from rewardrails.engine.gates.judging import candidate_of
from rewardrails.errors import NotFound, StateConflict
from rewardrails.security.caller import require_fresh
from rewardrails.store.database import Connection
from rewardrails.store.facts import Fact, record_facts
from rewardrails.store.sql import sql

APPROVE_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for approval, by pool, asset and provider; smallest units.

    `provider_float_minor` is what the provider certainly has left of the asset (None: it is not kept, or not known).
    `digest` stands for every single payout of it: what each says, may cost and goes over. It is made for one batch only.
    """

    pool: str
    asset: str
    provider: str | None
    payouts: int
    amount_minor: int
    pool_reserved_minor: int
    provider_float_minor: int | None = None
    digest: str | None = None


async def waiting(core: Core, batch_id: UUID | None = None) -> list[Waiting]:
    """Totals of what waits, for one batch or all."""
    async with core.database.reading() as connection:
        return await waiting_within(connection, batch_id)


async def waiting_within(connection: Connection, batch_id: UUID | None) -> list[Waiting]:
    """`waiting` on the caller's connection."""
    rows = await connection.fetch(sql("waiting_totals"), batch_id)
    return [
        Waiting(
            pool=row["pool"],
            asset=row["asset"],
            provider=row["provider"],
            payouts=row["payouts"],
            amount_minor=int(row["amount_minor"]),
            pool_reserved_minor=int(row["pool_reserved_minor"]),
            provider_float_minor=None if row["provider_float"] is None else int(row["provider_float"]),
            digest=row["digest"],
        )
        for row in rows
    ]


async def approve(
    core: Core, seen: Mapping[UUID, str], *, actor: str, authenticated_at: datetime | None = None
) -> dict[UUID, Judgement]:
    """Sign payouts off; each goes on once enough people have. Answers how each stands afterwards.

    `seen` gives of each payout the `approval_digest` that the approver was shown. `authenticated_at` is when they last
    proved who they are; None for a key. Raises `NotFound`, `Forbidden` for the author of any, `StepUpRequired` where a rule
    asks for a fresher sign-in, `StateConflict` for one that does not wait for approval or is not what was shown; then none is
    signed.
    """
    return await core.database.run_once(
        lambda tx: approve_within(core, tx, seen, actor=actor, authenticated_at=authenticated_at)
    )


async def approve_within(
    core: Core, tx: Connection, seen: Mapping[UUID, str], *, actor: str, authenticated_at: datetime | None
) -> dict[UUID, Judgement]:
    """`approve` inside the caller's transaction."""
    rows = await tx.fetch(sql("lock_payouts"), sorted(seen))
    missing = set(seen) - {row["id"] for row in rows}
    if missing:
        raise NotFound(f"there is no payout {min(missing)}")
    return await _sign(core, tx, rows, seen, actor=actor, authenticated_at=authenticated_at)


async def _sign(
    core: Core,
    tx: Connection,
    rows: Sequence[asyncpg.Record],
    seen: Mapping[UUID, str] | None,
    *,
    actor: str,
    authenticated_at: datetime | None,
) -> dict[UUID, Judgement]:
    """Sign locked payouts; without `seen` somebody compared them as a whole."""
    person = await require_no_author(tx, [row["id"] for row in rows], actor, then="another person approves it")
    for row in rows:
        if row["state"] != PayoutState.AWAITING_APPROVAL:
            raise StateConflict(f"payout {row['id']} is {row['state']} and waits for no approval")
        if seen is not None and not hmac.compare_digest(seen[row["id"]].encode(), approval_digest(row).encode()):
            raise StateConflict(f"payout {row['id']} is not what was shown any more: look again, then approve")
    require_fresh(authenticated_at, await _freshness(core, tx, rows))
    signed = await tx.fetch(
        sql("insert_sign_offs"), [row["id"] for row in rows], [row["content_digest"] for row in rows], person
    )
    await _tell(tx, signed, actor)
    return await judge_again(core, tx, [row["id"] for row in rows], actor)


async def approve_batch(
    core: Core, batch_id: UUID, *, seen: Sequence[Waiting], actor: str, authenticated_at: datetime | None = None
) -> int:
    """Sign off everything of a batch that waits, if it still is what the approver has `seen`; answers how many.

    Raises `StateConflict` when the totals have changed meanwhile.
    """
    return await core.database.run_once(
        lambda tx: approve_batch_within(core, tx, batch_id, seen=seen, actor=actor, authenticated_at=authenticated_at)
    )


async def approve_batch_within(
    core: Core,
    tx: Connection,
    batch_id: UUID,
    *,
    seen: Sequence[Waiting],
    actor: str,
    authenticated_at: datetime | None,
) -> int:
    """`approve_batch` inside the caller's transaction."""
    ids = [row["id"] for row in await tx.fetch(sql("waiting_of_batch"), batch_id)]
    locked = [
        await tx.fetch(sql("lock_payouts"), ids[start : start + APPROVE_AT_ONCE])
        for start in range(0, len(ids), APPROVE_AT_ONCE)
    ]
    if _totals(await waiting_within(tx, batch_id)) != _totals(seen):
        raise StateConflict("what waits is not what was shown any more: look again, then approve")
    for rows in locked:
        await _sign(core, tx, rows, None, actor=actor, authenticated_at=authenticated_at)
    return len(ids)


async def _tell(tx: Connection, signed: Sequence[asyncpg.Record], actor: str) -> None:
    """One event for each word given, also for one that is not the last that is needed."""
    facts = [
        Fact(
            subject_id=row["payout_id"],
            version=row["version"],
            type="payout.approved",
            data=json.dumps({"content_digest": row["content_digest"].hex()}),
            before=row["digest"],
            after=row["digest"],
        )
        for row in signed
    ]
    await record_facts(tx, facts, actor=actor)


async def _freshness(core: Core, tx: Connection, rows: Sequence[asyncpg.Record]) -> timedelta | None:
    """What the strictest rule asks that applies to any of these locked payouts."""
    rules = core.config.rules
    if not rows or all(rule.fresh is None for rule in rules.approvals):
        return None
    candidates = [candidate_of(core, row) for row in rows]
    facts = await read_facts(core, tx, candidates)
    asked = [
        freshness(Case(subject=candidate.subject, facts=known, rules=rules))
        for candidate, known in zip(candidates, facts, strict=True)
    ]
    return min((span for span in asked if span is not None), default=None)


def _totals(waiting: Sequence[Waiting]) -> list[tuple[str, str, str, int, int, str]]:
    """What must not have changed: pools and floats may."""
    return sorted(
        (one.pool, one.asset, one.provider or "", one.payouts, one.amount_minor, one.digest or "") for one in waiting
    )
