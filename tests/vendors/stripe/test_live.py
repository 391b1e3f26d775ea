"""One payout in your own sandbox at Stripe, with your credentials; skipped without them. It is taken back at the end."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from rewardrails import ids
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, Found
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import Accepted, Progressed, Settled
from rewardrails.domain.quote import QuoteRequest
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.stripe.provider import StripeProvider
from rewardrails.secrets import Secret

NEEDED = ("STRIPE_TEST_API_KEY", "STRIPE_TEST_FINANCIAL_ACCOUNT", "STRIPE_TEST_RECIPIENT")
CURRENCY = os.environ.get("STRIPE_TEST_CURRENCY", "USD")
SANDBOX_KEYS = ("sk_test_", "rk_test_")
pytestmark = pytest.mark.skipif(
    not all(os.environ.get(name) for name in NEEDED), reason=f"a live test: set {', '.join(NEEDED)}"
)


@pytest.fixture
async def provider() -> AsyncIterator[StripeProvider]:
    api_key, account, _ = (os.environ[name] for name in NEEDED)
    if not api_key.startswith(SANDBOX_KEYS):
        pytest.fail("STRIPE_TEST_API_KEY is no key of a sandbox: this test pays")
    opened = StripeProvider(
        ProviderContext(
            name="live",
            environment=ProviderEnvironment.SANDBOX,
            settings={"financial_account": account, "source_currency": CURRENCY},
            credentials={"api_key": Secret(api_key), "webhook_secret": Secret("none comes here")},
            assets={CURRENCY: 2},
            fees=FeeSchedule(basis_points=500, fixed_minor={CURRENCY: 1_000}),
            http=HttpClient(),
        )
    )
    yield opened
    await opened.close()


async def test_a_payout_is_confirmed_once_found_by_its_key_and_taken_back(provider: StripeProvider) -> None:
    amount = Money(amount_minor=1_000, asset=CURRENCY)
    order = Order(
        ref=AttemptRef(payout_id=ids.new_id(), attempt_no=1),
        amount=amount,
        destination=Destination(kind="stripe_recipient", value=os.environ["STRIPE_TEST_RECIPIENT"]),
        player_id="live-test",
        campaign="live-test",
        jurisdiction="DE",
        fee_ceiling=Money(amount_minor=1_050, asset=CURRENCY),
    )
    reference = Reference(ref=order.ref, amount=amount)
    quote = await provider.quote(
        QuoteRequest(amount=amount, destination=order.destination, player_id=order.player_id, jurisdiction="DE")
    )
    before = await provider.sync(reference)
    made = await provider.create_payout(order)
    assert isinstance(made, Progressed)
    order = replace(order, resume=made.resume)
    try:
        first, second = await provider.create_payout(order), await provider.create_payout(order)
        seen = await provider.sync(reference)
    finally:
        await provider.cancel(reference)

    assert quote.amount == amount
    assert isinstance(before, Absent)
    assert isinstance(first, Accepted | Settled)
    assert isinstance(second, Accepted | Settled)
    assert isinstance(seen, Found)
    assert first.provider_reference == second.provider_reference == seen.observation.provider_reference
