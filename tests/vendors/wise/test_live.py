"""One transfer in Wise's own sandbox, with your credentials; skipped without them."""

import os
from dataclasses import replace

import pytest

from rewardrails import ids
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Absent, Found
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.domain.outcome import Accepted, CreateOutcome, Progressed, Settled
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.wise.provider import WiseProvider
from rewardrails.secrets import Secret
from tests.vendors.wise.double import PUBLIC_KEY

NEEDED = ("WISE_TEST_API_TOKEN", "WISE_TEST_PROFILE_ID")
pytestmark = pytest.mark.skipif(
    not all(os.environ.get(name) for name in NEEDED), reason=f"a live test: set {', '.join(NEEDED)}"
)
MOST_STEPS = 8


async def send(provider: WiseProvider, order: Order) -> tuple[CreateOutcome, Order]:
    """Step by step, as the engine does; answers the order as it remembers it, too."""
    for _ in range(MOST_STEPS):
        outcome = await provider.create_payout(order)
        if not isinstance(outcome, Progressed):
            return outcome, order
        order = replace(order, resume=outcome.resume)
    pytest.fail("the adapter does not come to an end")


async def test_a_transfer_is_made_and_paid_for_once_and_found_by_its_key() -> None:
    api_token, profile_id = (os.environ[name] for name in NEEDED)
    provider = WiseProvider(
        ProviderContext(
            name="live",
            environment=ProviderEnvironment.SANDBOX,
            settings={"profile_id": int(profile_id), "source_currency": "EUR", "webhook_public_key": PUBLIC_KEY},
            credentials={"api_token": Secret(api_token)},
            assets={"EUR": 2},
            fees=FeeSchedule(basis_points=500, fixed_minor={"EUR": 500}),
            http=HttpClient(),
        )
    )
    order = Order(
        ref=AttemptRef(payout_id=ids.new_id(), attempt_no=1),
        amount=Money(amount_minor=1_000, asset="EUR"),
        destination=Destination(kind="iban", value="DE89370400440532013000", memo="Nobody Atall"),
        player_id="live-test",
        campaign="live-test",
        jurisdiction="DE",
        fee_ceiling=Money(amount_minor=550, asset="EUR"),
    )
    unheard_of = replace(order.ref, payout_id=ids.new_id())
    try:
        assert isinstance(await provider.sync(Reference(ref=unheard_of, amount=order.amount)), Absent)
        first, remembered = await send(provider, order)
        second, _ = await send(provider, remembered)
        seen = await provider.sync(Reference(ref=order.ref, amount=order.amount))
    finally:
        await provider.close()

    assert isinstance(first, Accepted | Settled)
    assert isinstance(second, Accepted | Settled)
    assert isinstance(seen, Found)
    assert first.provider_reference == second.provider_reference == seen.observation.provider_reference
