"""What a provider, a person or our own call told us about one attempt, in our words."""

from dataclasses import dataclass, field
from enum import StrEnum

from rewardrails.domain.bearer import BearerValue
from rewardrails.domain.destination import Destination
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.errors import ErrorCode


class ObservedStatus(StrEnum):
    """A provider's status, normalised; what we cannot map is UNKNOWN, never paid and never failed."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"
    RETURNED = "returned"
    UNKNOWN = "unknown"


class ObservationSource(StrEnum):
    """Who told us."""

    CALL = "call"
    WEBHOOK = "webhook"
    SYNC = "sync"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One normalised statement about one attempt.

    It names its subject by `rail_key` (ours) or, failing that, by `provider_reference` (theirs). `amount` and
    `destination`, where the provider repeats them, are compared with the attempt before anything moves. `code` says why
    a payout failed. `retryable` marks a certain refusal after which a new attempt may be made; `spends_try` is false when
    the refusal speaks of the provider as a whole, so that an outage cannot burn a payout's own tries. `live` tells which
    environment the provider spoke for, where it says so. `value` is what a rail hands over for the player.
    """

    status: ObservedStatus
    rail_key: str = ""
    provider_reference: str = ""
    amount: Money | None = None
    destination: Destination | None = field(default=None, repr=False)
    fee: Money | None = None
    code: ErrorCode | None = None
    retryable: bool = False
    spends_try: bool = True
    retry_after_seconds: float | None = None
    event_key: str = ""
    live: bool | None = None
    value: BearerValue | None = field(default=None, repr=False)
    evidence: Evidence = field(default_factory=Evidence, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The provider knows the attempt and says this about it."""

    observation: Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """The provider does not know the attempt. It proves absence only where capabilities call lookup authoritative."""

    evidence: Evidence = field(default_factory=Evidence, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotTell:
    """The lookup itself failed or the rail has none."""

    code: ErrorCode
    evidence: Evidence = field(default_factory=Evidence, repr=False)


SyncResult = Found | Absent | CannotTell
