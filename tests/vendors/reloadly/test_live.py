"""One card in Reloadly's own sandbox, with your credentials; skipped without them."""

import asyncio
import os
from dataclasses import replace

import pytest

from rewardrails import ids
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, Found, ObservedStatus
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import Accepted, Settled
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.reloadly.provider import ReloadlyProvider
from rewardrails.secrets import Secret

NEEDED = ("RELOADLY_TEST_CLIENT_ID", "RELOADLY_TEST_CLIENT_SECRET", "RELOADLY_TEST_PRODUCT", "RELOADLY_TEST_CENTS")
pytestmark = pytest.mark.skipif(
    not all(os.environ.get(name) for name in NEEDED), reason=f"a live test: set {', '.join(NEEDED)}"
)


async def test_a_card_is_bought_once_and_its_code_is_found_by_its_key() -> None:
    client_id, client_secret, product, cents = (os.environ[name] for name in NEEDED)
    asset = os.environ.get("RELOADLY_TEST_CURRENCY", "USD")
    provider = ReloadlyProvider(
        ProviderContext(
            name="live",
            environment=ProviderEnvironment.SANDBOX,
            settings={"sender_name": "A test"},
            credentials={"client_id": Secret(client_id), "client_secret": Secret(client_secret)},
            assets={asset: 2},
            http=HttpClient(),
        )
    )
    order = Order(
        ref=AttemptRef(payout_id=ids.new_id(), attempt_no=1),
        amount=Money(amount_minor=int(cents), asset=asset),
        destination=Destination(kind="gift_card", value=product),
        player_id="live-test",
        campaign="live-test",
        jurisdiction="US",
        fee_ceiling=Money(amount_minor=0, asset=asset),
    )
    reference = Reference(ref=order.ref, amount=order.amount)
    unheard_of = replace(order.ref, payout_id=ids.new_id())
    try:
        assert isinstance(await provider.sync(replace(reference, ref=unheard_of)), Absent)
        first, second = [await provider.create_payout(order) for _ in range(2)]
        async with asyncio.timeout(300):
            while not isinstance(  # noqa: ASYNC110 - the other side is a vendor
                seen := await provider.sync(reference), Found
            ) or (seen.observation.status is ObservedStatus.PENDING):
                await asyncio.sleep(5)  # the sandbox tells nobody
    finally:
        await provider.close()

    assert isinstance(first, Accepted | Settled)
    assert not hasattr(second, "retryable"), "an order that was taken was called refused"
    assert seen.observation.provider_reference == first.provider_reference
    assert seen.observation.status is not ObservedStatus.PAID or seen.observation.value is not None
