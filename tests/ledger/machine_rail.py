"""A rail that does what the machine says next, deduplicates by key for ever, and remembers all it ever said of an order."""

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, Found, Observation, ObservedStatus, SyncResult
from rewardrails.domain.order import AttemptRef, Order
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
from rewardrails.errors import ErrorCode
from rewardrails.providers.base import Reference
from tests.ledger.sequence_rail import STANDING
from tests.support.scripted_rail import ScriptedRail


class How(StrEnum):
    """What the rail does with a call under a key it does not know."""

    SETTLE = "settle"
    ACCEPT = "accept"
    REFUSE = "refuse"
    REFUSE_FOR_NOW = "refuse_for_now"
    PROVIDER_REFUSES = "provider_refuses"
    LOSE_THE_ANSWER = "lose_the_answer"
    LOSE_THE_ORDER = "lose_the_order"


REFUSALS = {
    How.REFUSE: Rejected(code=ErrorCode.DESTINATION_INVALID, retryable=False),
    How.REFUSE_FOR_NOW: Rejected(code=ErrorCode.PROVIDER_REJECTED, retryable=True),
    How.PROVIDER_REFUSES: Rejected(code=ErrorCode.PROVIDER_UNAVAILABLE, retryable=True, scope=RejectionScope.PROVIDER),
}
NEXT = {
    ObservedStatus.PENDING: frozenset({ObservedStatus.PAID, ObservedStatus.FAILED, ObservedStatus.CANCELED}),
    # Some rails say "failed" weeks after "paid".
    ObservedStatus.PAID: frozenset({ObservedStatus.RETURNED, ObservedStatus.FAILED}),
}


@dataclass
class Entry:
    """One order in the rail's journal: its fee and every status it ever had."""

    fee: int = 0
    told: list[ObservedStatus] = field(default_factory=lambda: [ObservedStatus.PENDING])

    @property
    def status(self) -> ObservedStatus:
        return self.told[-1]


class MachineRail(ScriptedRail):
    """`how` and `fee` are set before each call."""

    def __init__(self) -> None:
        super().__init__("one")
        self.how = How.ACCEPT
        self.fee = 0
        self.journal: dict[str, Entry] = {}
        self.lost: set[str] = set()
        self.by_payout: dict[UUID, list[str]] = defaultdict(list)

    def forget(self) -> None:
        """Nobody ever called."""
        self.journal.clear()
        self.lost.clear()
        self.by_payout.clear()

    def standing(self, payout_id: UUID) -> list[str]:
        """Keys of orders that were accepted and have not come back."""
        return [key for key in self.by_payout[payout_id] if self.journal[key].status in STANDING]

    def find(self, key: str) -> None:
        """An order that was lost on its way arrives."""
        self.lost.discard(key)
        ref = AttemptRef.parse(key)
        if key not in self.journal and ref is not None:
            self.journal[key] = Entry(fee=self.fee)
            self.by_payout[ref.payout_id].append(key)

    def advance(self, key: str, status: ObservedStatus) -> bool:
        """The order goes on, if it can from where it stands; answers whether it did."""
        entry = self.journal[key]
        may = status in NEXT.get(entry.status, frozenset())
        if may:
            entry.told.append(status)
        return may

    async def create_payout(self, order: Order) -> CreateOutcome:
        """What the machine says, unless the key is known: then what became of it."""
        key = order.rail_key
        if key in self.journal:
            return self._again(key)
        if self.how in REFUSALS:
            return REFUSALS[self.how]
        if self.how is How.LOSE_THE_ORDER:
            self.lost.add(key)
            return OutcomeUnknown()
        self.find(key)
        if self.how is How.LOSE_THE_ANSWER:
            return OutcomeUnknown()
        if self.how is How.SETTLE:
            self.advance(key, ObservedStatus.PAID)
        return self._again(key)

    def _again(self, key: str) -> CreateOutcome:
        entry = self.journal[key]
        match entry.status:
            case ObservedStatus.PENDING:
                return Accepted(provider_reference=f"ref-{key}")
            case ObservedStatus.PAID:
                return Settled(provider_reference=f"ref-{key}", fee=Money(amount_minor=entry.fee, asset="EUR"))
            case _:
                return OutcomeUnknown()

    async def sync(self, reference: Reference) -> SyncResult:
        """What the journal says now."""
        key = reference.ref.rail_key
        if key not in self.journal:
            return Absent()
        return Found(observation=self.notice(key, self.journal[key].status))

    def notice(self, key: str, status: ObservedStatus) -> Observation:
        """What the rail says, or once said, of an order."""
        fee = Money(amount_minor=self.journal[key].fee, asset="EUR") if status is ObservedStatus.PAID else None
        return Observation(status=status, rail_key=key, fee=fee)

    async def cancel(self, reference: Reference) -> CancelOutcome:
        """Takes back what is pending."""
        entry = self.journal.get(reference.ref.rail_key)
        if entry is None or entry.status is not ObservedStatus.PENDING:
            return NotCancelable()
        entry.told.append(ObservedStatus.CANCELED)
        return Canceled()
