"""One payout in PayPal's own sandbox, with your credentials; skipped without them."""

import os

import pytest

from rewardrails import ids
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import CannotTell, Found
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import Accepted, Settled
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.paypal.provider import PayPalProvider
from rewardrails.secrets import Secret

NEEDED = ("PAYPAL_TEST_CLIENT_ID", "PAYPAL_TEST_CLIENT_SECRET", "PAYPAL_TEST_RECEIVER")
pytestmark = pytest.mark.skipif(
    not all(os.environ.get(name) for name in NEEDED), reason=f"a live test: set {', '.join(NEEDED)}"
)


async def test_a_payout_is_made_once_and_found_by_what_bears_its_key() -> None:
    client_id, client_secret, receiver = (os.environ[name] for name in NEEDED)
    provider = PayPalProvider(
        ProviderContext(
            name="live",
            environment=ProviderEnvironment.SANDBOX,
            settings={"webhook_id": "unused-here"},
            credentials={"client_id": Secret(client_id), "client_secret": Secret(client_secret)},
            assets={"USD": 2},
            http=HttpClient(),
        )
    )
    order = Order(
        ref=AttemptRef(payout_id=ids.new_id(), attempt_no=1),
        amount=Money(amount_minor=100, asset="USD"),
        destination=Destination(kind="email", value=receiver),
        player_id="live-test",
        campaign="live-test",
        jurisdiction="US",
        fee_ceiling=Money(amount_minor=100, asset="USD"),
    )
    try:
        assert isinstance(await provider.sync(Reference(ref=order.ref, amount=order.amount)), CannotTell)
        first, second = [await provider.create_payout(order) for _ in range(2)]
        assert isinstance(first, Accepted | Settled)
        named = Reference(ref=order.ref, provider_reference=first.provider_reference, amount=order.amount)
        seen = await provider.sync(named)
    finally:
        await provider.close()

    assert isinstance(second, Accepted | Settled)
    assert isinstance(seen, Found)
    assert first.provider_reference == second.provider_reference == seen.observation.provider_reference
