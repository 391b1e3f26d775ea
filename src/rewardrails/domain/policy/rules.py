"""The rules as data. They come from the configuration; nothing here decides."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """Who may be paid by a campaign or over a rail. Empty `allow` means anywhere; a country covers its subdivisions."""

    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()
    minimum_age: int | None = None
    checks: frozenset[str] = frozenset()


class Per(StrEnum):
    """Whose payouts a limit adds up."""

    PAYOUT = "payout"
    PLAYER = "player"
    DESTINATION = "destination"
    POOL = "pool"
    CAMPAIGN = "campaign"
    PROVIDER = "provider"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most so many payouts, or so much value, per one of `per` in a window.

    Amounts are smallest units of `asset`, or of the reference unit when `asset` is None. `window` None is for ever; a
    calendar day (UTC) where `calendar_day`. Empty sets mean any.
    """

    name: str
    per: Per
    window: timedelta | None = None
    calendar_day: bool = False
    asset: str | None = None
    max_minor: int | None = None
    max_count: int | None = None
    campaigns: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """Its name with a digest of what it says: another one once it says something else."""
        said = (self.per, self.window, self.calendar_day, self.asset, self.max_minor, self.max_count)
        where = (sorted(self.campaigns), sorted(self.providers))
        return f"{self.name}#{hashlib.sha256(repr((said, where)).encode()).hexdigest()[:12]}"

    @staticmethod
    def name_in(key: str) -> str:
        """The name in a key."""
        return key.rpartition("#")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRule:
    """What is asked of destinations of one kind; `prove_above` in smallest units by asset."""

    screened: bool = False
    screeners: frozenset[str] = frozenset()
    only_listed: bool = False
    cooling_off: timedelta = timedelta(0)
    prove_above: Mapping[str, int] = field(default_factory=dict)
    proof_lasts: timedelta = timedelta(days=365)
    max_players: int | None = None
    max_per_player: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRule:
    """Who must agree: `needs` people other than the author, when every given condition holds. Empty sets mean any.

    `above_minor` in smallest units of `asset`; `batch_above_minor` is compared with the batch's total of that asset. With
    `fresh` they must have proved who they are within that time before.
    """

    name: str
    needs: int
    asset: str | None = None
    above_minor: int | None = None
    batch_above_minor: int | None = None
    campaigns: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    pools: frozenset[str] = frozenset()
    creators: frozenset[str] = frozenset()
    fresh: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything that is configured about who may be paid what.

    `payable` are the assets that may leave; with it, `campaigns` and `destinations` name all there are (None: not known).
    """

    campaigns: Mapping[str, Eligibility] = field(default_factory=dict)
    providers: Mapping[str, Eligibility] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    destinations: Mapping[str, DestinationRule] = field(default_factory=dict)
    approvals: tuple[ApprovalRule, ...] = ()
    payable: frozenset[str] | None = None
    list_age: timedelta = timedelta(days=7)
    rate_age: timedelta = timedelta(days=1)
    reference_unit: str = "EUR"
    reference_exponent: int = 2
    risk_threshold: int | None = None
    hold_deadline: timedelta = timedelta(days=3)
