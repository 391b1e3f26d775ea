"""What reconciliations found: tasks for people, closed by a person with a reason, or by the next run that sees it match."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from rewardrails.domain.statement import FindingKind
from rewardrails.engine.core import Core
from rewardrails.errors import FieldInvalid, NotFound, StateConflict
from rewardrails.store.database import Connection, one
from rewardrails.store.facts import tell
from rewardrails.store.sql import sql

MIN_REASON_LENGTH = 3
MAX_SUGGESTIONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference between their list and ours, with both sides as they were told.

    `subject` is the provider's name of the entry, or our key of what is missing there. Amounts in both sides are smallest
    units as text.
    """

    id: UUID
    provider: str
    kind: FindingKind
    subject: str
    payout_id: UUID | None
    attempt_no: int | None
    theirs: Mapping[str, str | None] = field(repr=False)
    ours: Mapping[str, str | None] = field(repr=False)
    first_run: UUID
    last_run: UUID
    found_at: datetime
    seen_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFilter:
    """Which findings; None is any. `is_open` None answers the closed ones too."""

    provider: str | None = None
    kind: FindingKind | None = None
    is_open: bool | None = True


async def list_findings(
    core: Core, wanted: FindingFilter | None = None, *, before: UUID | None = None, limit: int = 50
) -> Sequence[Finding]:
    """Findings, newest first."""
    asked = wanted or FindingFilter()
    kind = asked.kind.value if asked.kind else None
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("list_findings"), before, limit, asked.provider, kind, asked.is_open, None)
    return [_finding(row) for row in rows]


async def read_finding(core: Core, finding_id: UUID) -> Finding:
    """One finding. Raises `NotFound`."""
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("list_findings"), None, 1, None, None, None, finding_id)
    if not rows:
        raise NotFound(f"there is no finding {finding_id}")
    return _finding(rows[0])


async def suggestions(core: Core, finding: Finding) -> Sequence[UUID]:
    """Payouts of the same provider, amount and asset that an entry without our name may be about, oldest first.

    Hints for people, and nothing is done by them: equal amounts prove nothing.
    """
    amount, asset = finding.theirs.get("amount_minor"), finding.theirs.get("asset")
    if finding.payout_id is not None or amount is None:
        return []
    async with core.database.reading() as connection:
        rows = await connection.fetch(sql("suggest_payouts"), finding.provider, int(amount), asset, MAX_SUGGESTIONS)
    return [row["id"] for row in rows]


async def close_finding(core: Core, finding_id: UUID, *, reason: str, actor: str) -> Finding:
    """A person has looked and says why nothing is left to do; money is not moved by it.

    The same difference is not reported again. Raises `FieldInvalid`, `NotFound`, `StateConflict` when it is closed.
    """
    return await core.database.run_once(lambda tx: close_within(tx, finding_id, reason=reason, actor=actor))


async def close_within(tx: Connection, finding_id: UUID, *, reason: str, actor: str) -> Finding:
    """`close_finding` inside the caller's transaction."""
    words = reason.strip()
    if len(words) < MIN_REASON_LENGTH:
        raise FieldInvalid(f"finding {finding_id}: say what it was, and what was done about it", field="reason")
    row = await tx.fetchrow(sql("lock_finding"), finding_id)
    if row is None:
        raise NotFound(f"there is no finding {finding_id}")
    if row["closed_at"] is not None:
        raise StateConflict(f"finding {finding_id} was closed by {row['closed_by']} already: {row['reason']}")
    closed = one(await tx.fetchrow(sql("close_finding"), finding_id, actor, words))
    await tell(tx, finding_id, "finding.closed", actor, kind=closed["kind"], provider=closed["provider"])
    return _finding(closed)


def _finding(row: asyncpg.Record) -> Finding:
    return Finding(
        id=row["id"],
        provider=row["provider"],
        kind=FindingKind(row["kind"]),
        subject=row["subject"],
        payout_id=row["payout_id"],
        attempt_no=row["attempt_no"],
        theirs=json.loads(row["theirs_text"]),
        ours=json.loads(row["ours_text"]),
        first_run=row["first_run"],
        last_run=row["last_run"],
        found_at=row["found_at"],
        seen_at=row["seen_at"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        reason=row["reason"],
    )
