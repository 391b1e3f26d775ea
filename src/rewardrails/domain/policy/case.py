"""What a gate is told: a payout, what is known about it, and the rules: plain data, read beforehand for a whole batch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from rewardrails.domain.policy.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A payout as the gates see it; `amount_minor` in smallest units, digests are keyed and tell nothing by themselves.

    `address_digest` is of the address alone, whatever memo comes with it: what lists and screeners know. `recipient_digest`
    is of address and memo: who gets the money, where many customers of an exchange share one address.
    """

    campaign: str
    player_id: str
    asset: str
    amount_minor: int
    jurisdiction: str
    pool: str
    provider: str | None
    provider_type: str | None
    adapter: str | None
    needs_legal_approval: bool
    destination_kind: str
    address_digest: bytes
    recipient_digest: bytes
    content_digest: bytes
    created_by: str
    batch_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalApproval:
    """A confirmed approval, in force or to come; `None` bounds nothing. Totals count every payout let through under it."""

    id: UUID
    provider_type: str
    adapter: str
    assets: frozenset[str]
    jurisdictions: frozenset[str]
    campaigns: frozenset[str]
    max_total_minor: int | None
    max_per_player_minor: int | None
    valid_from: datetime
    valid_until: datetime


class CheckKind(StrEnum):
    """What the game has somebody check about a player."""

    KYC = "kyc"
    SANCTIONS = "sanctions"
    AGE = "age"


class CheckResult(StrEnum):
    """How the check came out."""

    PASSED = "passed"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerCheck:
    """A reference to a check made elsewhere, never its documents; `age` is the age it proves (years)."""

    result: CheckResult
    expires_at: datetime
    age: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """How much the game distrusts a player, 0 to 100."""

    score: int
    expires_at: datetime


class ListKind(StrEnum):
    """What it means to be on a list."""

    DENY = "deny"
    ALLOW = "allow"
    SANCTIONS = "sanctions"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStanding:
    """A loaded list and whether the address is on it; `dated` is when its source made it."""

    name: str
    kind: ListKind
    dated: datetime
    listed: bool


class Screening(StrEnum):
    """What a screener says of an address."""

    CLEAR = "clear"
    HIT = "hit"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningResult:
    """A screener's last word; `reason` says why it could not tell."""

    screening: Screening
    expires_at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What is known of a destination: first use by this player, who shares it, how many this player uses, proof of ownership."""

    first_seen_at: datetime
    players: int
    destinations_of_player: int
    proved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one counter holds in its window: payouts let through, and their value."""

    count: int = 0
    amount_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """One person's approval of exactly this content."""

    approver: str
    content_digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one smallest unit of an asset is worth in smallest units of the reference unit, as a fraction."""

    numerator: int
    denominator: int
    dated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known, as of `now`; the money leaves until `leaves_by` (None: not now).

    `counted` names the limits whose counters took the payout in, and when (`Limit.key`). `held_by` names the gates that hold
    it already, `lifted` those a person overruled for exactly this content, and how severe the case was then. `authors` are
    those who had a hand in it, and the people behind them; empty where no rule asks.
    """

    now: datetime
    leaves_by: datetime | None = None
    address: Address
    approvals: tuple[LegalApproval, ...] = ()
    checks: Mapping[CheckKind, PlayerCheck] = field(default_factory=dict)
    risk: Risk | None = None
    lists: tuple[ListStanding, ...] = ()
    screenings: Mapping[str, ScreeningResult] = field(default_factory=dict)
    usage: Mapping[str, Usage] = field(default_factory=dict)
    rates: Mapping[str, Rate] = field(default_factory=dict)
    sign_offs: tuple[SignOff, ...] = ()
    batch_total_minor: int | None = None
    counted: Mapping[str, datetime] = field(default_factory=dict)
    legal_approval_id: UUID | None = None
    held_by: frozenset[str] = frozenset()
    lifted: Mapping[str, int] = field(default_factory=dict)
    authors: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything one verdict rests on."""

    subject: Subject
    facts: Facts
    rules: Rules

    @property
    def leaves_by(self) -> datetime:
        """The moment until which what allows a payout has to last."""
        return self.facts.leaves_by or self.facts.now

    def older_than(self, moment: datetime, age: timedelta) -> bool:
        """Whether `moment` lies further back than `age`."""
        return moment + age <= self.facts.now
