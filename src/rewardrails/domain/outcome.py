"""What one call to create or cancel a payout did, on the right side of the certainty line.

A refusal is `Rejected` only when the rail cannot have acted. Everything that is neither an answer with an id nor a
certain refusal is `OutcomeUnknown`.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from rewardrails.domain.bearer import BearerValue
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.errors import ErrorCode


class RejectionScope(StrEnum):
    """Whom a refusal speaks of: this payout, or the provider as a whole (feeds the breaker, spends no retry)."""

    PAYOUT = "payout"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider took the order and named it; the result comes later."""

    provider_reference: str
    evidence: Evidence = field(default_factory=Evidence, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The provider says, with proof, that the money has arrived; or hands its `value` over, to be passed on to the player."""

    provider_reference: str
    fee: Money | None = None
    value: BearerValue | None = field(default=None, repr=False)
    evidence: Evidence = field(default_factory=Evidence, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The provider certainly did nothing. `retryable`: a later attempt with a new key may succeed."""

    code: ErrorCode
    retryable: bool
    scope: RejectionScope = RejectionScope.PAYOUT
    retry_after_seconds: float | None = None
    evidence: Evidence = field(default_factory=Evidence, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """One step of a multi-step create is done; the engine commits `resume` and calls again with it."""

    resume: bytes = field(repr=False)
    evidence: Evidence = field(default_factory=Evidence, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeUnknown:
    """The call may have acted and we cannot prove what it did."""

    code: ErrorCode = ErrorCode.OUTCOME_UNKNOWN
    provider_reference: str = ""
    evidence: Evidence = field(default_factory=Evidence, repr=False)


CreateOutcome = Accepted | Settled | Rejected | Progressed | OutcomeUnknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """The provider proved that the payout will not happen."""

    evidence: Evidence = field(default_factory=Evidence, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCancelable:
    """The provider refused to cancel; the payout goes on as it was."""

    code: ErrorCode = ErrorCode.NOT_CANCELABLE
    evidence: Evidence = field(default_factory=Evidence, repr=False)


CancelOutcome = Canceled | NotCancelable | OutcomeUnknown
