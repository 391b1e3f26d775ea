"""The life of a payout as one table, and the pure decisions taken on it.

Everything that learns something about an attempt (the sender, a webhook, a poll, a person) comes through `decide`; nothing
else knows which state follows which.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.errors import ErrorCode


class PayoutState(StrEnum):
    """Where a payout stands."""

    HELD = "held"
    AWAITING_APPROVAL = "awaiting_approval"
    READY = "ready"
    SUBMITTING = "submitting"
    PENDING = "pending"
    OUTCOME_UNKNOWN = "outcome_unknown"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"
    RETURNED = "returned"


class AttemptState(StrEnum):
    """Where one attempt stands; the first three are live, and a payout has at most one live attempt."""

    SENDING = "sending"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    SETTLED = "settled"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELED = "canceled"
    RETURNED = "returned"
    ABSENT = "absent"


_S = PayoutState

# From where each state may be reached. `paid` from an unsent or ended state is late success: an earlier attempt that we
# had given up arrived after all.
ALLOWED_FROM: Mapping[PayoutState, frozenset[PayoutState]] = {
    _S.HELD: frozenset({_S.AWAITING_APPROVAL, _S.READY}),
    _S.AWAITING_APPROVAL: frozenset({_S.HELD, _S.READY}),
    _S.READY: frozenset({_S.HELD, _S.AWAITING_APPROVAL, _S.SUBMITTING, _S.OUTCOME_UNKNOWN, _S.FAILED, _S.RETURNED}),
    _S.SUBMITTING: frozenset({_S.READY}),
    _S.PENDING: frozenset({_S.SUBMITTING, _S.OUTCOME_UNKNOWN}),
    _S.OUTCOME_UNKNOWN: frozenset({_S.SUBMITTING, _S.PENDING, _S.READY, _S.HELD, _S.AWAITING_APPROVAL}),
    _S.PAID: frozenset(
        {
            _S.SUBMITTING,
            _S.PENDING,
            _S.OUTCOME_UNKNOWN,
            _S.FAILED,
            _S.CANCELED,
            _S.READY,
            _S.HELD,
            _S.AWAITING_APPROVAL,
        }
    ),
    _S.FAILED: frozenset({_S.SUBMITTING, _S.PENDING, _S.OUTCOME_UNKNOWN}),
    _S.CANCELED: frozenset({_S.HELD, _S.AWAITING_APPROVAL, _S.READY, _S.SUBMITTING, _S.PENDING, _S.OUTCOME_UNKNOWN}),
    _S.RETURNED: frozenset({_S.PAID}),
}

RESERVING = frozenset(_S) - {_S.PAID, _S.FAILED, _S.CANCELED, _S.RETURNED}
IN_PROVIDER_HANDS = frozenset({_S.SUBMITTING, _S.PENDING, _S.OUTCOME_UNKNOWN})
LIVE_ATTEMPT = frozenset({AttemptState.SENDING, AttemptState.ACCEPTED, AttemptState.UNKNOWN})


def may_move(from_state: PayoutState, to_state: PayoutState) -> bool:
    """Whether the table has this step."""
    return from_state in ALLOWED_FROM[to_state]


class Effect(StrEnum):
    """What an observation did."""

    APPLIED = "applied"
    NO_CHANGE = "no_change"
    FENCED = "fenced"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A payout and the attempt an observation speaks of, as read under the payout's row lock.

    Amounts are smallest units. `attempt_is_last` tells an attempt that has been superseded.
    """

    payout_id: UUID
    state: PayoutState
    version: int
    amount_minor: int
    reserved_minor: int
    fee_ceiling_minor: int
    tries: int
    attempt_no: int
    attempt_state: AttemptState
    attempt_is_last: bool
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One decided step: the payout's next state (None: stays), the attempt's next state, and why."""

    standing: Standing
    to_state: PayoutState | None
    attempt_to: AttemptState
    effect: Effect
    code: ErrorCode | None = None
    fee_minor: int = 0
    spends_try: bool = False

    @property
    def is_late_success(self) -> bool:
        """Paid after we had told the game otherwise, or before we meant to send again."""
        return self.to_state is PayoutState.PAID and self.standing.state not in IN_PROVIDER_HANDS


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """How often a payout's own certain refusals may be answered with a new attempt."""

    max_tries: int = 5


_ATTEMPT_TO: Mapping[ObservedStatus, AttemptState] = {
    ObservedStatus.PENDING: AttemptState.ACCEPTED,
    ObservedStatus.PAID: AttemptState.SETTLED,
    ObservedStatus.FAILED: AttemptState.FAILED,
    ObservedStatus.CANCELED: AttemptState.CANCELED,
    ObservedStatus.RETURNED: AttemptState.RETURNED,
    ObservedStatus.UNKNOWN: AttemptState.UNKNOWN,
}


# Some rails say "failed" weeks after "paid".
_MONEY_IS_BACK = frozenset({ObservedStatus.RETURNED, ObservedStatus.FAILED})


def decide(standing: Standing, seen: Observation, rule: RetryRule) -> Move:
    """Say what `seen` does to `standing`; pure, total, and never raises for a business reason.

    Truth that contradicts a *later* attempt is kept as a contradiction for people: it moves nothing by itself, because
    two attempts may then both have paid.
    """
    if not standing.attempt_is_last and standing.state in IN_PROVIDER_HANDS:
        return _stay(standing, Effect.CONTRADICTION if seen.status is ObservedStatus.PAID else Effect.NO_CHANGE, seen)
    if standing.attempt_state not in LIVE_ATTEMPT:
        return _ended(standing, seen)
    match seen.status:
        case ObservedStatus.PENDING:
            return _to(standing, PayoutState.PENDING, seen)
        case ObservedStatus.PAID:
            return _to(standing, PayoutState.PAID, seen)
        case ObservedStatus.FAILED:
            return _failed(standing, seen, rule)
        case ObservedStatus.CANCELED:
            return _to(standing, PayoutState.CANCELED, seen)
        case ObservedStatus.RETURNED:
            return _to(standing, PayoutState.FAILED, seen, ErrorCode.RETURNED)
        case ObservedStatus.UNKNOWN:
            return _unknown(standing, seen)


def _ended(standing: Standing, seen: Observation) -> Move:
    """What an attempt that has ended can still do: money comes back from the one that paid, a given-up one arrives late.

    Everything else is old news, and the payout may have gone on to another attempt since.
    """
    paid = seen.status is ObservedStatus.PAID
    match standing.attempt_state:
        case AttemptState.SETTLED if seen.status in _MONEY_IS_BACK:
            # Returned whatever word the rail has for it: an old "paid" that is told again must not bring it back to life.
            return _to(
                standing, PayoutState.RETURNED, replace(seen, status=ObservedStatus.RETURNED), ErrorCode.RETURNED
            )
        case AttemptState.SETTLED | AttemptState.RETURNED:
            return _stay(standing, Effect.NO_CHANGE, seen)
        case _ if paid and standing.state in (PayoutState.PAID, PayoutState.RETURNED):
            return _stay(standing, Effect.CONTRADICTION, seen)
        case _ if paid:
            return _to(standing, PayoutState.PAID, seen)
        case _:
            return _stay(standing, Effect.NO_CHANGE, seen)


def _failed(standing: Standing, seen: Observation, rule: RetryRule) -> Move:
    may_try_again = not seen.spends_try or standing.tries < rule.max_tries
    if seen.retryable and may_try_again and standing.state is PayoutState.SUBMITTING:
        return Move(
            standing=standing,
            to_state=PayoutState.READY,
            attempt_to=AttemptState.REFUSED,
            effect=Effect.APPLIED,
            code=seen.code,
            spends_try=seen.spends_try,
        )
    return _to(standing, PayoutState.FAILED, seen, seen.code or ErrorCode.PROVIDER_REJECTED)


def _unknown(standing: Standing, seen: Observation) -> Move:
    """An unmapped answer to our own call is unknown; an unmapped status of a pending payout changes nothing."""
    if standing.state is PayoutState.SUBMITTING:
        return _to(standing, PayoutState.OUTCOME_UNKNOWN, seen, ErrorCode.OUTCOME_UNKNOWN)
    return _stay(standing, Effect.NO_CHANGE, seen)


def _to(standing: Standing, to_state: PayoutState, seen: Observation, code: ErrorCode | None = None) -> Move:
    if not may_move(standing.state, to_state):
        return _stay(standing, Effect.NO_CHANGE, seen)
    return Move(
        standing=standing,
        to_state=to_state,
        attempt_to=_ATTEMPT_TO[seen.status],
        effect=Effect.APPLIED,
        code=code or seen.code,
        fee_minor=seen.fee.amount_minor if seen.fee else 0,
    )


def _stay(standing: Standing, effect: Effect, seen: Observation) -> Move:
    return Move(standing=standing, to_state=None, attempt_to=standing.attempt_state, effect=effect, code=seen.code)
