"""A PayPal account of ours at the double."""

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.order import AttemptRef, Order
from rewardrails.ids import new_id
from rewardrails.providers.base import Reference
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.paypal.provider import PayPalProvider
from rewardrails.secrets import Secret
from rewardrails.store.database import assert_no_transaction
from tests.vendors.paypal.double import CLIENT_ID, CLIENT_SECRET, KIND, PayPalDouble
from tests.vendors.paypal.notices import WEBHOOK_ID, root


def provider_of(double: PayPalDouble, **settings: object) -> PayPalProvider:
    """The rail `one`, which fetches certificates from the double."""
    given = {
        "base_url": double.url,
        "certificate_origin": double.url,
        "trusted_roots": root(),
        "webhook_id": WEBHOOK_ID,
    }
    return PayPalProvider(
        ProviderContext(
            name="one",
            environment=ProviderEnvironment.SANDBOX,
            settings=given | settings,  # type: ignore[arg-type]
            credentials={"client_id": Secret(CLIENT_ID), "client_secret": Secret(CLIENT_SECRET)},
            assets={"EUR": 2, "USD": 2},
            fees=FeeSchedule(basis_points=200),
            call_timeout_seconds=2.0,
            http=HttpClient(guard=assert_no_transaction),
        )
    )


def an_order(*, amount_minor: int = 1250, value: str = "a@example.org") -> Order:
    """A payout in dollars that nobody has heard of."""
    return Order(
        ref=AttemptRef(payout_id=new_id(), attempt_no=1),
        amount=Money(amount_minor=amount_minor, asset="USD"),
        destination=Destination(kind=KIND, value=value),
        player_id="player",
        campaign="season",
        jurisdiction="DE",
        fee_ceiling=Money(amount_minor=100, asset="USD"),
    )


def reference_of(order: Order, name: str = "") -> Reference:
    """An order's attempt by its names."""
    return Reference(ref=order.ref, provider_reference=name, amount=order.amount)
