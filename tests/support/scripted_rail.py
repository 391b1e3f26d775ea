"""A rail inside the test's own process whose answers the test writes, with a journal of what it accepted."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta

from rewardrails import clock
from rewardrails.domain.bearer import BearerValue
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, CannotTell, Found, Observation, ObservedStatus, SyncResult
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import (
    Accepted,
    Canceled,
    CancelOutcome,
    CreateOutcome,
    NotCancelable,
    Rejected,
    RejectionScope,
    Settled,
)
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.errors import ErrorCode
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import Capabilities, Dedupe, KeyFormat, Lookup, ProviderType

Script = Callable[["ScriptedRail", Order], Awaitable[CreateOutcome]]

CAPABILITIES = Capabilities(
    provider_type=ProviderType.FIAT_PROVIDER,
    dedupe=Dedupe.REPLAY,
    dedupe_window=timedelta(hours=1),
    key_format=KeyFormat(max_length=64, alphabet="0123456789abcdef-"),
    lookup=Lookup.OUR_REFERENCE,
    lookup_is_authoritative=True,
    max_in_flight=1000,
    call_timeout=timedelta(seconds=2),
)


async def settle(rail: "ScriptedRail", order: Order) -> CreateOutcome:
    """Take the order and settle it at once."""
    return Settled(provider_reference=rail.accept(order, ObservedStatus.PAID))


async def accept(rail: "ScriptedRail", order: Order) -> CreateOutcome:
    """Take the order; its result comes later."""
    return Accepted(provider_reference=rail.accept(order, ObservedStatus.PENDING))


async def give(rail: "ScriptedRail", order: Order) -> CreateOutcome:
    """Take the order and hand over what it bought, unless the test has it kept back."""
    reference = rail.accept(order, ObservedStatus.PAID)
    return Settled(provider_reference=reference, value=rail.value_of(order.rail_key))


async def explode(rail: "ScriptedRail", order: Order) -> CreateOutcome:
    """Break after the money left."""
    rail.accept(order, ObservedStatus.PAID)
    raise RuntimeError("after the money left")


def refuse(
    code: ErrorCode = ErrorCode.PROVIDER_REJECTED,
    *,
    retryable: bool = False,
    scope: RejectionScope = RejectionScope.PAYOUT,
) -> Script:
    """A script that takes nothing and says so."""

    async def answer(_: "ScriptedRail", __: Order) -> CreateOutcome:
        return Rejected(code=code, retryable=retryable, scope=scope)

    return answer


class ScriptedRail:
    """Deduplicates by key as its capabilities say, and counts what it really created."""

    def __init__(self, name: str, script: Script = settle, capabilities: Capabilities = CAPABILITIES) -> None:
        self.name = name
        self.capabilities = capabilities
        self.script = script
        self.calls: list[str] = []
        self.status: dict[str, ObservedStatus] = {}
        self.created: dict[str, int] = defaultdict(int)
        self.fee_minor = 0
        self.lookup_fails = False
        self.keeps_value_back = False

    def accept(self, order: Order, status: ObservedStatus) -> str:
        """Create the payout unless the key was seen; answers the rail's own reference."""
        if order.rail_key not in self.status or self.capabilities.dedupe is Dedupe.NONE:
            self.created[order.ref.payout_id.hex] += 1
            self.status[order.rail_key] = status
        return f"ref-{order.rail_key}"

    def value_of(self, rail_key: str) -> BearerValue | None:
        """The code that this key bought, where the rail hands codes over."""
        if not self.capabilities.hands_over_values or self.keeps_value_back:
            return None
        return BearerValue(code=f"CODE-{rail_key}")

    @property
    def double_pays(self) -> list[str]:
        """Payouts created more than once."""
        return [payout for payout, count in self.created.items() if count > 1]

    async def quote(self, request: QuoteRequest) -> Quote:
        """The fee the test set, for an hour."""
        fee = Money(amount_minor=self.fee_minor, asset=request.amount.asset)
        return Quote(amount=request.amount, fee=fee, expires_at=clock.now() + timedelta(hours=1))

    async def create_payout(self, order: Order) -> CreateOutcome:
        """What the script says."""
        self.calls.append(order.rail_key)
        return await self.script(self, order)

    async def sync(self, reference: Reference) -> SyncResult:
        """What the journal says."""
        if self.lookup_fails:
            return CannotTell(code=ErrorCode.PROVIDER_UNAVAILABLE)
        status = self.status.get(reference.ref.rail_key)
        if status is None:
            return Absent()
        key = reference.ref.rail_key
        value = self.value_of(key) if status is ObservedStatus.PAID else None
        return Found(observation=Observation(status=status, rail_key=key, amount=reference.amount, value=value))

    async def cancel(self, reference: Reference) -> CancelOutcome:
        """Cancels what is pending."""
        if self.status.get(reference.ref.rail_key) is ObservedStatus.PENDING:
            self.status[reference.ref.rail_key] = ObservedStatus.CANCELED
            return Canceled()
        return NotCancelable()

    async def close(self) -> None:
        """Nothing to close."""
