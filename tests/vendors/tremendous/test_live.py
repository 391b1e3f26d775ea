"""One reward at Testflight, Tremendous' own sandbox, with your credentials; skipped without them."""

import os
from dataclasses import replace

import pytest

from rewardrails import ids
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, Found
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import Accepted, Settled
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.tremendous.provider import TremendousProvider
from rewardrails.secrets import Secret

NEEDED = ("TREMENDOUS_TEST_API_KEY", "TREMENDOUS_TEST_FUNDING_SOURCE", "TREMENDOUS_TEST_CAMPAIGN")
pytestmark = pytest.mark.skipif(
    not all(os.environ.get(name) for name in NEEDED), reason=f"a live test: set {', '.join(NEEDED)}"
)


async def test_an_order_is_made_once_and_found_by_its_key() -> None:
    api_key, funding_source, campaign = (os.environ[name] for name in NEEDED)
    provider = TremendousProvider(
        ProviderContext(
            name="live",
            environment=ProviderEnvironment.SANDBOX,
            settings={"funding_source_id": funding_source, "campaign_id": campaign},
            credentials={"api_key": Secret(api_key), "webhook_private_key": Secret("unused here")},
            assets={"USD": 2},
            http=HttpClient(),
        )
    )
    order = Order(
        ref=AttemptRef(payout_id=ids.new_id(), attempt_no=1),
        amount=Money(amount_minor=100, asset="USD"),
        destination=Destination(kind="email", value="nobody@example.com"),
        player_id="live-test",
        campaign="live-test",
        jurisdiction="US",
        fee_ceiling=Money(amount_minor=0, asset="USD"),
    )
    unheard_of = replace(order.ref, payout_id=ids.new_id())
    try:
        assert isinstance(await provider.sync(Reference(ref=unheard_of, amount=order.amount)), Absent)
        first, second = [await provider.create_payout(order) for _ in range(2)]
        seen = await provider.sync(Reference(ref=order.ref, amount=order.amount))
    finally:
        await provider.close()

    assert isinstance(first, Accepted | Settled)
    assert isinstance(second, Accepted | Settled)
    assert isinstance(seen, Found)
    assert first.provider_reference == second.provider_reference == seen.observation.provider_reference
