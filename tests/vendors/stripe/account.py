"""A Stripe account of ours at the double."""

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.secrets import Secret
from tests.vendors.stripe.double import ACCOUNT, API_KEY, KIND, WEBHOOK_SECRET, StripeDouble

AMOUNT = Money(amount_minor=1_250, asset="EUR")
DESTINATION = Destination(kind=KIND, value="acct_canarySparrow77", memo="usba_canaryFinch88")


def context_at(vendor: StripeDouble) -> ProviderContext:
    """The rail `banks`."""
    return ProviderContext(
        name="banks",
        environment=ProviderEnvironment.SANDBOX,
        settings={"base_url": vendor.url, "financial_account": ACCOUNT, "source_currency": "EUR"},
        credentials={"api_key": Secret(API_KEY), "webhook_secret": Secret(WEBHOOK_SECRET)},
        assets={"EUR": 2},
        destination_kinds=frozenset({KIND}),
        fees=FeeSchedule(basis_points=500),
        http=HttpClient(),
    )
