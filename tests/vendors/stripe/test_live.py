"""One payout in a Stripe sandbox, with your credentials; skipped without them. It cancels what it makes."""

import os
from dataclasses import replace

import pytest

from rewardrails import ids
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, Found
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import Accepted, Canceled, NotCancelable, Progressed, Settled
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.stripe.provider import StripeProvider
from rewardrails.secrets import Secret

NEEDED = ("STRIPE_TEST_API_KEY", "STRIPE_TEST_FINANCIAL_ACCOUNT", "STRIPE_TEST_RECIPIENT")
pytestmark = pytest.mark.skipif(
    not all(os.environ.get(name) for name in NEEDED), reason=f"a live test: set {', '.join(NEEDED)}"
)
CURRENCY = os.environ.get("STRIPE_TEST_CURRENCY", "USD")


async def test_an_intent_is_made_and_confirmed_once_and_found_by_its_key() -> None:
    api_key, account, recipient = (os.environ[name] for name in NEEDED)
    provider = StripeProvider(
        ProviderContext(
            name="live",
            environment=ProviderEnvironment.SANDBOX,
            settings={"financial_account": account, "source_currency": CURRENCY},
            credentials={"api_key": Secret(api_key), "webhook_secret": Secret("unused here")},
            assets={CURRENCY: 2},
            fees=FeeSchedule(fixed_minor={CURRENCY: 1_000}),
            http=HttpClient(),
        )
    )
    order = Order(
        ref=AttemptRef(payout_id=ids.new_id(), attempt_no=1),
        amount=Money(amount_minor=500, asset=CURRENCY),
        destination=Destination(kind="stripe_recipient", value=recipient),
        player_id="live-test",
        campaign="live-test",
        jurisdiction="US",
        fee_ceiling=Money(amount_minor=1_000, asset=CURRENCY),
    )
    try:
        assert isinstance(await provider.sync(Reference(ref=order.ref, amount=order.amount)), Absent)
        made = await provider.create_payout(order)
        assert isinstance(made, Progressed)
        confirmed = [await provider.create_payout(replace(order, resume=made.resume)) for _ in range(2)]
        seen = await provider.sync(Reference(ref=order.ref, amount=order.amount))
        ended = await provider.cancel(Reference(ref=order.ref, amount=order.amount))
    finally:
        await provider.close()

    assert all(isinstance(one, Accepted | Settled) for one in confirmed)
    assert isinstance(seen, Found)
    assert isinstance(ended, Canceled | NotCancelable)
