"""Payouts made by hand; see `docs/providers/manual.md`.

It has no store and no wire: `create_payout` puts the attempt into the queue by accepting it, and whatever happens then
is an observation by a person. It cannot cancel: somebody may already have the item in hand, so taking one back is a
person's word too (a refusal with a reason), never an assumption.
"""

from datetime import timedelta

import msgspec

from rewardrails import clock
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Found, Observation, ObservedStatus
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import Accepted
from rewardrails.domain.quote import Quote, QuoteRequest
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import (
    AssetLimits,
    Capabilities,
    Dedupe,
    KeyFormat,
    Lookup,
    ProviderEnvironment,
    ProviderType,
)
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.settings import read_settings

MAX_OPEN_ITEMS = 1_000
# Polling people is pointless; the console shows how long an item has waited.
NO_POLLING = timedelta(days=365)
HEX_AND_DASH = "0123456789abcdef-"


class ManualSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a quote holds, in seconds."""

    quote_ttl_seconds: int = 86_400


class ManualProvider:
    """A queue for people."""

    def __init__(self, context: ProviderContext) -> None:
        self.name = context.name
        self._settings = read_settings(context, ManualSettings)
        self.capabilities = Capabilities(
            provider_type=ProviderType.MANUAL,
            dedupe=Dedupe.REPLAY,
            key_format=KeyFormat(max_length=64, alphabet=HEX_AND_DASH),
            lookup=Lookup.OUR_REFERENCE,
            assets={code: AssetLimits(exponent=exponent) for code, exponent in context.assets.items()},
            destination_kinds=context.destination_kinds,
            max_in_flight=context.max_in_flight or MAX_OPEN_ITEMS,
            first_sync_after=NO_POLLING,
            environments=frozenset(ProviderEnvironment),
        )

    async def quote(self, request: QuoteRequest) -> Quote:
        """Handing something over by hand charges nothing on top."""
        return Quote(
            amount=request.amount,
            fee=Money(amount_minor=0, asset=request.amount.asset),
            expires_at=clock.now() + timedelta(seconds=self._settings.quote_ttl_seconds),
        )

    async def create_payout(self, order: Order) -> Accepted:
        """Into the queue, under our own key; the same order again is the same item."""
        return Accepted(provider_reference=order.rail_key)

    async def sync(self, reference: Reference) -> Found:
        """In the queue: the stored attempt is the item, so a crash between storing and accepting it loses nothing."""
        return Found(
            observation=Observation(
                status=ObservedStatus.PENDING,
                rail_key=reference.ref.rail_key,
                provider_reference=reference.ref.rail_key,
                amount=reference.amount,
            )
        )

    async def close(self) -> None:
        """Nothing is open."""
