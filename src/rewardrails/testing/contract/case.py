"""What one test of the contract works with: the adapter, its vendor's double, and orders it can take."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from rewardrails import ids
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import SyncResult
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import Accepted, CreateOutcome, OutcomeUnknown, Progressed, Settled
from rewardrails.domain.quote import QuoteRequest
from rewardrails.providers.base import Reference, RewardPayoutProvider, SupportsPrepare
from rewardrails.providers.context import AdapterFactory, ProviderContext
from rewardrails.providers.http import Guard, unguarded
from rewardrails.testing.contract.double import Creation, NoticeMaker, VendorDouble
from rewardrails.testing.contract.wire import Wire

MOST_STEPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The adapter under test, its configuration, and an amount and destination it can pay.

    `context` points at the double and holds exactly the credentials that the adapter cannot do without; its `http` is
    replaced by the suite's own. `destination` should look like nothing else in the test, for it is searched in logs.
    `signed_fields` are those of a creation's body by which the vendor proves who sent it and when, if it wants them there.
    `empty_list` is how its list says that there is nothing, where that looks like no answer at all (`[]`).
    """

    adapter: AdapterFactory
    context: ProviderContext
    amount: Money
    destination: Destination
    jurisdiction: str = "DE"
    player_id: str = "player-canary-3141"
    signed_fields: frozenset[str] = frozenset()
    empty_list: bytes | None = None


@dataclass(slots=True, kw_only=True)
class Case:
    """One adapter at work; `another` makes further instances, which end with the test."""

    subject: Subject
    provider: RewardPayoutProvider
    wire: Wire
    given_vendor: VendorDouble | None
    given_notices: NoticeMaker | None
    endings: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def vendor(self) -> VendorDouble:
        """The author's double; fails the test where there is none."""
        assert self.given_vendor is not None, "this adapter needs the fixture `vendor`: a double of its vendor"
        return self.given_vendor

    @property
    def notices(self) -> NoticeMaker:
        """The author's notices; fails the test where there are none."""
        assert self.given_notices is not None, "this adapter takes webhooks and needs the fixture `notices`"
        return self.given_notices

    def another(
        self, *, name: str = "", call_timeout_seconds: float | None = None, guard: Guard = unguarded
    ) -> tuple[RewardPayoutProvider, Wire]:
        """A further instance with a way out of its own."""
        wire = Wire(self.wire.creates, guard=guard)
        context = replace(
            self.subject.context,
            name=name or self.subject.context.name,
            call_timeout_seconds=call_timeout_seconds or self.subject.context.call_timeout_seconds,
            http=wire,
        )
        provider = self.subject.adapter(context)
        self.endings.push_async_callback(provider.close)
        return provider, wire

    def quote_request(self, amount_minor: int | None = None) -> QuoteRequest:
        """Asks for the subject's amount, or another of its asset."""
        return QuoteRequest(
            amount=self.money(amount_minor),
            destination=self.subject.destination,
            player_id=self.subject.player_id,
            jurisdiction=self.subject.jurisdiction,
        )

    def order(self, amount_minor: int | None = None, *, attempt_no: int = 1) -> Order:
        """An attempt of a payout that nobody has heard of."""
        amount = self.money(amount_minor)
        return Order(
            ref=AttemptRef(payout_id=ids.new_id(), attempt_no=attempt_no),
            amount=amount,
            destination=self.subject.destination,
            player_id=self.subject.player_id,
            campaign="contract",
            jurisdiction=self.subject.jurisdiction,
            fee_ceiling=Money(
                amount_minor=self.provider.capabilities.fees.ceiling(amount.amount_minor, amount.asset),
                asset=amount.asset,
            ),
        )

    def money(self, amount_minor: int | None = None) -> Money:
        """So much of the subject's asset."""
        return self.subject.amount if amount_minor is None else replace(self.subject.amount, amount_minor=amount_minor)

    async def send(self, order: Order, provider: RewardPayoutProvider | None = None) -> CreateOutcome:
        """Send as the engine does: prepare first where the adapter asks for it, then step by step."""
        sender = provider or self.provider
        if isinstance(sender, SupportsPrepare):
            (prepared,) = await sender.prepare([order])
            order = replace(order, prepared=prepared.opaque)
        for _ in range(MOST_STEPS):
            outcome = await sender.create_payout(order)
            if not isinstance(outcome, Progressed):
                return outcome
            order = replace(order, resume=outcome.resume)
        raise AssertionError(f"the adapter still wants to go on after {MOST_STEPS} steps")

    async def accepted(self, order: Order) -> str:
        """Send what must be accepted; answers the provider's name for it."""
        outcome = await self.send(order)
        assert isinstance(outcome, Accepted | Settled), f"an ordinary order was not taken: {outcome!r}"
        return outcome.provider_reference

    async def sync(self, order: Order, provider_reference: str = "") -> SyncResult:
        """Ask about an attempt."""
        return await self.provider.sync(reference(order, provider_reference))

    async def settle_lookup(self) -> None:
        """Let the declared lag of look-ups pass."""
        lag_seconds = self.provider.capabilities.lookup_lag.total_seconds()
        if lag_seconds:
            await self.vendor.advance(lag_seconds)

    async def journal(self, order: Order) -> Sequence[Creation]:
        """What the double has taken under this order's key."""
        return await self.vendor.journal(order.rail_key)


def reference(order: Order, provider_reference: str = "") -> Reference:
    """An order's attempt by its names."""
    return Reference(ref=order.ref, provider_reference=provider_reference, amount=order.amount)


def assert_unknown(outcome: object, what: str) -> None:
    """The only honest answer when nobody can know."""
    assert isinstance(outcome, OutcomeUnknown), f"{what}: must be unknown, was {type(outcome).__name__}"
