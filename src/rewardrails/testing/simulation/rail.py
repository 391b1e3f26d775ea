"""A simulated rail: the provider with its journal, and the adapter that talks to it."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from rewardrails import clock
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, CannotTell, Found, Observation, ObservedStatus, SyncResult
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import (
    Accepted,
    Canceled,
    CancelOutcome,
    CreateOutcome,
    NotCancelable,
    OutcomeUnknown,
    Rejected,
    RejectionScope,
    Settled,
)
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import ErrorCode
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import Capabilities, Dedupe, Lookup
from rewardrails.providers.signatures import StandardWebhook
from rewardrails.secrets import Secret
from rewardrails.testing.simulation import post
from rewardrails.testing.simulation.chance import Chance
from rewardrails.testing.simulation.journal import Creation, Journal
from rewardrails.testing.simulation.profile import RailProfile
from rewardrails.testing.simulation.turns import Stop, Turns
from rewardrails.testing.simulation.virtual import VirtualTime

FEE_BASIS_POINTS = 100
# A rail that forgets keys forgets them by its own clock, whatever we do: a request that stood still between our last look at the
# clock and its first byte for longer than the engine's margin could meet a rail that no longer knows its key. No sender can
# close that gap; the simulation keeps to it, and the page about the simulation says so.
PATIENCE_SECONDS = 8.0


class Behaviour(StrEnum):
    """What the rail does with the next request."""

    ACCEPT = "accepts"
    SETTLE = "pays at once"
    LOSE_REPLY = "accepts, and the answer is lost"
    LATE = "takes it in late, and the call times out"
    REFUSE = "refuses it for good"
    REFUSE_FOR_NOW = "refuses it for now"
    RATE_LIMIT = "says 429"
    ERROR_BEFORE = "breaks before it did anything"
    ERROR_AFTER = "accepts, and breaks"
    GARBAGE = "accepts, and answers garbage"
    BREAKS_ADAPTER = "accepts, and its answer breaks the adapter"
    UNREACHABLE = "cannot be reached"


class Answer(StrEnum):
    """How a question to the rail goes."""

    ANSWERS = "answers"
    LOST = "does not answer"
    LIES = "says it does not know it"
    DONE_AND_LOST = "does it, and the answer is lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Late:
    order: Order
    at: float


class SimulatedRail:
    """Provider and adapter in one: every answer is computed when the request arrives, and read after a further gate."""

    def __init__(
        self, name: str, profile: RailProfile, turns: Turns, time: VirtualTime, tell: Callable[[str], None]
    ) -> None:
        self.name = name
        self.profile: RailProfile
        self.capabilities: Capabilities
        self.journal: Journal
        self.become(profile)
        self.secret = Secret("whsec_" + b64encode(f"the webhook secret of {name}".encode().ljust(32, b".")).decode())
        self.late: list[_Late] = []
        self.changed: Callable[[SimulatedRail, Creation], None] = lambda _rail, _creation: None
        self._verifier = StandardWebhook(self.secret)
        self._turns = turns
        self._time = time
        self._tell = tell
        self._fees = Chance(name)

    def become(self, profile: RailProfile) -> None:
        """Start anew as a rail with these figures."""
        self.profile = profile
        self.capabilities = profile.capabilities
        self.journal = Journal(profile.window.total_seconds() if profile.window else None)

    # The adapter ------------------------------------------------------------------------------------------------------

    async def quote(self, request: QuoteRequest) -> Quote:
        """The highest fee, for an hour."""
        fee = Money(amount_minor=_fee_ceiling(request.amount.amount_minor), asset=request.amount.asset)
        return Quote(amount=request.amount, fee=fee, expires_at=clock.now() + timedelta(hours=1))

    async def create_payout(self, order: Order) -> CreateOutcome:
        """Stand before the first byte, then before the answer."""
        began = self._time.seconds
        word = await self._turns.gate(Stop.FIRST_BYTE, rail=self.name)
        behaviour = Behaviour(word or Behaviour.ACCEPT)
        if self.profile.window and self._time.seconds - began > PATIENCE_SECONDS:
            behaviour = Behaviour.ERROR_BEFORE
        outcome = self._receive(order, behaviour)
        await self._turns.gate(Stop.REPLY, rail=self.name)
        if behaviour is Behaviour.BREAKS_ADAPTER:
            raise RuntimeError("the simulated adapter stumbled over an answer")
        return outcome

    async def sync(self, reference: Reference) -> SyncResult:
        """Ask, then read the answer."""
        word = await self._turns.gate(Stop.QUESTION, rail=self.name)
        answer = self._look_up(reference, Answer(word or Answer.ANSWERS))
        await self._turns.gate(Stop.REPLY, rail=self.name)
        return answer

    async def cancel(self, reference: Reference) -> CancelOutcome:
        """Ask to take a payout back, then read the answer."""
        word = Answer(await self._turns.gate(Stop.QUESTION, rail=self.name) or Answer.ANSWERS)
        outcome = self._take_back(reference, word)
        await self._turns.gate(Stop.REPLY, rail=self.name)
        return outcome

    def receive(self, request: WebhookRequest) -> tuple[Observation, ...]:
        """Verify a notice and read it."""
        event_id = self._verifier.verify(request)
        return (post.read(request.body, event_id),)

    async def close(self) -> None:
        """Nothing to close."""

    # The provider -----------------------------------------------------------------------------------------------------

    def move(self, creation: Creation, status: ObservedStatus) -> None:
        """The rail goes on with a payout of its own accord, and tells us."""
        creation.status = status
        creation.was_paid |= status is ObservedStatus.PAID
        self.changed(self, creation)

    def awaits(self, payout: str) -> bool:
        """Whether a request for this payout is late."""
        return any(late.order.ref.payout_id.hex == payout for late in self.late)

    def take_late(self) -> Creation | None:
        """The oldest late request arrives; None when its connection had been closed or its key stands for a refusal."""
        late = self.late.pop(0)
        if self.profile.window and self._time.seconds - late.at > PATIENCE_SECONDS:
            return None
        return self._take(late.order)

    def standing(self, payout: str) -> list[Creation]:
        """Creations for this payout that were not taken back."""
        return [creation for creation in self.journal.creations if creation.payout == payout and creation.stands]

    def _receive(self, order: Order, behaviour: Behaviour) -> CreateOutcome:
        self._tell(f"{self.name} {behaviour.value}")
        match behaviour:
            case Behaviour.UNREACHABLE:
                return _refused(ErrorCode.PROVIDER_UNAVAILABLE, RejectionScope.PROVIDER)
            case Behaviour.RATE_LIMIT:
                return _refused(ErrorCode.PROVIDER_RATE_LIMITED, RejectionScope.PROVIDER)
            case Behaviour.ERROR_BEFORE:
                return _unknown("before")
            case Behaviour.LATE:
                self.late.append(_Late(order=order, at=self._time.seconds))
                return _unknown("timeout")
            case Behaviour.REFUSE | Behaviour.REFUSE_FOR_NOW:
                return self._refuse(order, behaviour)
            case Behaviour.ACCEPT | Behaviour.SETTLE:
                return self._accept(order, at_once=behaviour is Behaviour.SETTLE)
            case Behaviour.LOSE_REPLY | Behaviour.ERROR_AFTER | Behaviour.GARBAGE | Behaviour.BREAKS_ADAPTER:
                self._take(order)
                return _unknown(behaviour.name.lower())
            case _:
                assert_never(behaviour)

    def _accept(self, order: Order, *, at_once: bool) -> CreateOutcome:
        known = self._known(order)
        made = self._take(order)
        if known and made is None:
            return _refused(ErrorCode.PROVIDER_REJECTED, RejectionScope.PAYOUT)
        if made is None or (known and self.profile.dedupe is Dedupe.REJECT_BARE):
            return _unknown("duplicate")
        if at_once and not known:
            self.move(made, ObservedStatus.PAID)
        if made.status is ObservedStatus.PAID:
            return Settled(provider_reference=made.reference, fee=self._fee(made))
        return Accepted(provider_reference=made.reference)

    def _refuse(self, order: Order, behaviour: Behaviour) -> CreateOutcome:
        known = self._known(order)
        if known:
            return self._accept(order, at_once=False)
        if self.profile.replays_errors:
            self.journal.remember(order, self._time.seconds, None)
        code = ErrorCode.DESTINATION_INVALID if behaviour is Behaviour.REFUSE else ErrorCode.LIMIT_EXCEEDED
        return _refused(code, RejectionScope.PAYOUT, retryable=behaviour is Behaviour.REFUSE_FOR_NOW)

    def _known(self, order: Order) -> bool:
        return self.profile.dedupe is not Dedupe.NONE and bool(self.journal.remembered(order, self._time.seconds))

    def _take(self, order: Order) -> Creation | None:
        """Create the payout, or answer what its key stands for (None: a bound refusal)."""
        if self._known(order):
            known = self.journal.remembered(order, self._time.seconds)
            return known.creation if known else None
        fee_minor = self._fees.randint(0, order.fee_ceiling.amount_minor)
        made = self.journal.create(order, self._time.seconds, fee_minor)
        self.journal.remember(order, self._time.seconds, made)
        self.changed(self, made)
        return made

    def _look_up(self, reference: Reference, word: Answer) -> SyncResult:
        self._tell(f"{self.name} {word.value}")
        if word in (Answer.LOST, Answer.DONE_AND_LOST) or self.profile.lookup is Lookup.NONE:
            return CannotTell(code=ErrorCode.PROVIDER_UNAVAILABLE)
        if self.profile.lookup is Lookup.PROVIDER_REFERENCE:
            if not reference.provider_reference:
                return CannotTell(code=ErrorCode.NOT_FOUND)
            found = self.journal.of_reference(reference.provider_reference)
        else:
            found = self.journal.of_key(reference.ref.rail_key)
        if found is None or (word is Answer.LIES and self._may_lie(found)):
            return Absent()
        return Found(observation=self._seen(found))

    def _may_lie(self, creation: Creation) -> bool:
        return not self.profile.authoritative or self._time.seconds - creation.at < self.profile.lag.total_seconds()

    def _take_back(self, reference: Reference, word: Answer) -> CancelOutcome:
        self._tell(f"{self.name} {word.value}")
        if word is Answer.LOST:
            return OutcomeUnknown()
        found = self.journal.of_key(reference.ref.rail_key)
        if not self.profile.cancels or found is None or found.status is not ObservedStatus.PENDING:
            return NotCancelable()
        self.move(found, ObservedStatus.CANCELED)
        return OutcomeUnknown() if word is Answer.DONE_AND_LOST else Canceled()

    def _seen(self, creation: Creation) -> Observation:
        paid = creation.status is ObservedStatus.PAID
        return Observation(
            status=creation.status,
            rail_key=creation.key,
            provider_reference=creation.reference,
            amount=creation.amount,
            destination=creation.destination,
            fee=self._fee(creation) if paid else None,
        )

    def _fee(self, creation: Creation) -> Money:
        return Money(amount_minor=creation.fee_minor, asset=creation.amount.asset)


def notice_body(rail: SimulatedRail, creation: Creation) -> post.Body:
    """What the rail says of a payout now."""
    where = creation.destination
    return post.Body(
        key="" if rail.profile.thin_notices else creation.key,
        reference=creation.reference,
        status=creation.status,
        amount_minor=creation.amount.amount_minor,
        asset=creation.amount.asset,
        destination=(where.kind, where.value, where.memo),
        fee_minor=creation.fee_minor,
    )


def _fee_ceiling(amount_minor: int) -> int:
    return -(-amount_minor * FEE_BASIS_POINTS // 10_000)


def _refused(code: ErrorCode, scope: RejectionScope, *, retryable: bool = False) -> Rejected:
    return Rejected(code=code, retryable=retryable or scope is RejectionScope.PROVIDER, scope=scope)


def _unknown(why: str) -> OutcomeUnknown:
    return OutcomeUnknown(evidence=Evidence(provider_code=why))
