"""The manual rail accepts into a queue and leaves the rest to people."""

from uuid import UUID

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import Accepted
from rewardrails.domain.quote import QuoteRequest
from rewardrails.providers.base import Reference, RewardPayoutProvider, SupportsCancel, SupportsWebhooks
from rewardrails.providers.capabilities import Dedupe, Lookup, ProviderEnvironment, ProviderType
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.manual.provider import ManualProvider

USD = Money(amount_minor=500, asset="USD")
DESTINATION = Destination(kind="email", value="player@example.org")
REF = AttemptRef(payout_id=UUID(int=1), attempt_no=2)


def manual() -> ManualProvider:
    return ManualProvider(
        ProviderContext(name="by-hand", environment=ProviderEnvironment.LIVE, assets={"USD": 2}, http=HttpClient())
    )


@pytest.mark.promise("G1")
async def test_an_order_is_accepted_under_our_own_key_however_often_it_comes() -> None:
    order = Order(
        ref=REF,
        amount=USD,
        destination=DESTINATION,
        player_id="player-1",
        campaign="season-7",
        jurisdiction="DE",
        fee_ceiling=Money(amount_minor=0, asset="USD"),
    )
    provider = manual()

    first, again = await provider.create_payout(order), await provider.create_payout(order)

    assert first == again == Accepted(provider_reference=REF.rail_key)


@pytest.mark.promise("G2")
async def test_a_stored_attempt_is_in_the_queue_whatever_crashed() -> None:
    answer = await manual().sync(Reference(ref=REF, amount=USD))

    assert answer.observation.status is ObservedStatus.PENDING
    assert answer.observation.provider_reference == REF.rail_key


async def test_handing_over_by_hand_is_free() -> None:
    quote = await manual().quote(
        QuoteRequest(amount=USD, destination=DESTINATION, player_id="player-1", jurisdiction="DE")
    )

    assert (quote.fee.amount_minor, quote.total) == (0, USD)


def test_it_promises_only_what_a_queue_can_keep() -> None:
    provider: RewardPayoutProvider = manual()
    capabilities = provider.capabilities

    assert capabilities.provider_type is ProviderType.MANUAL
    assert (capabilities.dedupe, capabilities.lookup) == (Dedupe.REPLAY, Lookup.OUR_REFERENCE)
    assert not capabilities.lookup_is_authoritative
    assert not isinstance(provider, SupportsCancel | SupportsWebhooks)
