"""A rail that keeps its own book of orders, and may lose its answers or find an order late."""

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum

from rewardrails.domain.observation import Absent, Found, Observation, ObservedStatus, SyncResult
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import (
    Accepted,
    Canceled,
    CancelOutcome,
    CreateOutcome,
    NotCancelable,
    OutcomeUnknown,
    Rejected,
    Settled,
)
from rewardrails.errors import ErrorCode
from rewardrails.providers.base import Reference
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail

STANDING = frozenset({ObservedStatus.PENDING, ObservedStatus.PAID})


class Behaviour(StrEnum):
    """What becomes of an order that is new to the rail."""

    ACCEPTS = "accepts"
    LOSES_THE_ANSWER = "loses_the_answer"
    FINDS_IT_LATE = "finds_it_late"
    REFUSES = "refuses"


@dataclass
class Book:
    """One payout in the rail's own journal: what stands of each key, and what is still on its way."""

    status: dict[str, ObservedStatus] = field(default_factory=dict)
    on_their_way: set[str] = field(default_factory=set)

    @property
    def standing(self) -> list[str]:
        """Keys whose order was accepted and did not come back."""
        return [key for key, status in self.status.items() if status in STANDING]


class SequenceRail(ScriptedRail):
    """Deduplicates by key for ever, tells the truth when asked, and holds orders that nobody has seen arrive."""

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__("one", capabilities=CAPABILITIES)
        self.behaviour = behaviour
        self.books: dict[str, Book] = defaultdict(Book)

    async def create_payout(self, order: Order) -> CreateOutcome:
        """The answer under a key is the same for ever; an order that is new goes as the behaviour says."""
        self.calls.append(order.rail_key)
        book = self.books[order.ref.payout_id.hex]
        known = book.status.get(order.rail_key)
        if known is not None:
            return answer_again(order.rail_key, known)
        if self.behaviour is Behaviour.REFUSES:
            if order.rail_key not in book.on_their_way:
                book.status[order.rail_key] = ObservedStatus.FAILED
            return Rejected(code=ErrorCode.DESTINATION_INVALID, retryable=False)
        if self.behaviour is Behaviour.FINDS_IT_LATE:
            book.on_their_way.add(order.rail_key)
            return OutcomeUnknown()
        self.take(order.rail_key)
        if self.behaviour is Behaviour.LOSES_THE_ANSWER:
            return OutcomeUnknown()
        return Accepted(provider_reference=f"ref-{order.rail_key}")

    def take(self, rail_key: str) -> None:
        """The order has arrived."""
        book = self.books[rail_key.partition("-")[0]]
        book.on_their_way.discard(rail_key)
        book.status.setdefault(rail_key, ObservedStatus.PENDING)

    def close_key(self, rail_key: str) -> None:
        """Whatever is still on its way under this key will be refused."""
        book = self.books[rail_key.partition("-")[0]]
        book.on_their_way.discard(rail_key)
        book.status.setdefault(rail_key, ObservedStatus.FAILED)

    async def sync(self, reference: Reference) -> SyncResult:
        """What the book says; an order that is still on its way is absent."""
        key = reference.ref.rail_key
        status = self.books[reference.ref.payout_id.hex].status.get(key)
        if status is None:
            return Absent()
        return Found(observation=Observation(status=status, rail_key=key, amount=reference.amount))

    async def cancel(self, reference: Reference) -> CancelOutcome:
        """Takes back what is pending."""
        book = self.books[reference.ref.payout_id.hex]
        if book.status.get(reference.ref.rail_key) is not ObservedStatus.PENDING:
            return NotCancelable()
        book.status[reference.ref.rail_key] = ObservedStatus.CANCELED
        return Canceled()


def answer_again(rail_key: str, known: ObservedStatus) -> CreateOutcome:
    """What a rail that replays answers under a key it has seen."""
    match known:
        case ObservedStatus.PENDING:
            return Accepted(provider_reference=f"ref-{rail_key}")
        case ObservedStatus.PAID:
            return Settled(provider_reference=f"ref-{rail_key}")
        case _:
            return OutcomeUnknown()
