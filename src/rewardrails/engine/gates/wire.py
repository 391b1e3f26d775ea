"""The facts as the database tells them: one JSON text about the batch, one about each payout."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from rewardrails.domain.policy.case import CheckKind, CheckResult, ListKind, Screening


class ApprovalFact(msgspec.Struct, frozen=True):
    """A legal approval in force; maxima as decimal text."""

    id: UUID
    provider_type: str
    adapter: str
    assets: frozenset[str]
    jurisdictions: frozenset[str]
    campaigns: frozenset[str]
    max_total: str | None
    max_per_player: str | None
    valid_from: datetime
    valid_until: datetime


class ListFact(msgspec.Struct, frozen=True):
    """A current list."""

    id: UUID
    name: str
    kind: ListKind
    dated: datetime


class RateFact(msgspec.Struct, frozen=True):
    """A rate; value as decimal text."""

    asset: str
    value: str
    dated: datetime


class SharedFacts(msgspec.Struct, frozen=True):
    """What holds for the whole batch."""

    now: datetime
    approvals: tuple[ApprovalFact, ...] | None
    lists: tuple[ListFact, ...] | None
    rates: tuple[RateFact, ...] | None


class CheckFact(msgspec.Struct, frozen=True):
    """A player's check."""

    result: CheckResult
    expires_at: datetime
    age: int | None


class RiskFact(msgspec.Struct, frozen=True):
    """A player's risk score."""

    score: int
    expires_at: datetime


class ScreeningFact(msgspec.Struct, frozen=True):
    """A screener's last word."""

    screening: Screening
    expires_at: datetime
    reason: str | None = None


class AddressFact(msgspec.Struct, frozen=True):
    """This player's use of the destination."""

    first_seen_at: datetime
    proved_at: datetime | None


class OwnFacts(msgspec.Struct, frozen=True):
    """What is known about one payout, its player and its destination."""

    checks: dict[CheckKind, CheckFact] | None
    risk: RiskFact | None
    listed: tuple[UUID, ...] | None
    screenings: dict[str, ScreeningFact] | None
    address: AddressFact | None
    players: int
    destinations: int
    sign_offs: tuple[str, ...] | None
    held_by: frozenset[str] | None
    lifted: dict[str, int] | None
    batch_total: str | None


def read_counted(text: str | None) -> dict[str, datetime] | None:
    """Which limits hold a payout and since when, as its row says; None of one that was never let through."""
    return None if text is None else _counted.decode(text)


def write_counted(counted: Mapping[str, datetime] | None) -> str | None:
    """The same as a row stores it."""
    return None if counted is None else msgspec.json.encode(counted).decode()


_counted = msgspec.json.Decoder(dict[str, datetime])
read_shared = msgspec.json.Decoder(SharedFacts).decode
read_own = msgspec.json.Decoder(OwnFacts).decode
