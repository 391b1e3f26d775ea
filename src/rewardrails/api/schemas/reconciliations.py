"""Reconciliations and what they found, over the wire."""

from datetime import datetime
from uuid import UUID

import msgspec

from rewardrails.api.schemas.common import In, Moment, Name, Out, Words
from rewardrails.domain.statement import FindingKind, Statements
from rewardrails.engine.findings import Finding
from rewardrails.engine.reconcile import Run
from rewardrails.errors import ErrorCode


class ReconciliationIn(In):
    """Which provider, and from when until when; without these as far back as configured, until now."""

    provider: Name
    covers_from: Moment | None = None
    covers_to: Moment | None = None


class ReconciliationOut(Out):
    """One run: what was read, and what came of it. `state` is waiting, running, done or failed, and `code` says why it failed.

    `items` were read, `matched` of them are what we have; `found` counts every difference, `opened` those that are new.
    """

    id: UUID
    provider: str
    source: Statements
    covers_from: datetime
    covers_to: datetime
    state: str
    code: ErrorCode | None
    items: int
    matched: int
    found: int
    opened: int
    closed: int
    started_by: str
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, run: Run) -> "ReconciliationOut":
        """A run as it goes out."""
        return cls(
            id=run.id,
            provider=run.provider,
            source=run.source,
            covers_from=run.covers.start,
            covers_to=run.covers.end,
            state=run.state,
            code=run.code,
            items=run.items,
            matched=run.matched,
            found=run.found,
            opened=run.opened,
            closed=run.closed,
            started_by=run.started_by,
            created_at=run.created_at,
            ended_at=run.ended_at,
        )


class ReconciliationPage(Out):
    """Runs, newest first."""

    reconciliations: list[ReconciliationOut]
    next_cursor: str | None


class FindingOut(Out):
    """A difference for people to look into, with both sides as they were told; amounts in smallest units.

    `subject` is the provider's name of the entry, or our key of what is missing there.
    """

    id: UUID
    provider: str
    kind: FindingKind
    subject: str
    payout_id: UUID | None
    theirs: dict[str, str | None]
    ours: dict[str, str | None]
    first_run: UUID
    last_run: UUID
    found_at: datetime
    seen_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    reason: str | None

    @classmethod
    def of(cls, finding: Finding) -> "FindingOut":
        """A finding as it goes out."""
        return msgspec.convert(finding, cls, from_attributes=True)


class FindingWithHints(FindingOut):
    """A finding, and payouts of the same amount that it may be about. Only people can tell; nothing is done by it."""

    suggestions: list[UUID]


class FindingPage(Out):
    """Findings, newest first."""

    findings: list[FindingOut]
    next_cursor: str | None


class ClosingIn(In):
    """What it was, and what was done about it."""

    reason: Words
