"""The Stripe rail keeps the contract, against a double of Stripe that is written from its documents."""

from collections.abc import AsyncIterator

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.stripe.provider import StripeProvider
from rewardrails.secrets import Secret
from rewardrails.testing.contract import ProviderContract, Subject
from tests.vendors.stripe.double import ACCOUNT, API_KEY, KIND, WEBHOOK_SECRET, StripeDouble, StripeNotices

pytestmark = [
    pytest.mark.promise("G1", "G4", "G6"),
    pytest.mark.incident("I4", "I9", "I12", "I15", "I22", "I23", "I24"),
]


class TestStripeRail(ProviderContract):
    @pytest.fixture
    async def vendor(self) -> AsyncIterator[StripeDouble]:
        async with StripeDouble() as double:
            yield double

    @pytest.fixture
    def notices(self) -> StripeNotices:
        return StripeNotices()

    @pytest.fixture
    def subject(self, vendor: StripeDouble) -> Subject:
        return Subject(
            adapter=StripeProvider,
            context=ProviderContext(
                name="banks",
                environment=ProviderEnvironment.SANDBOX,
                settings={
                    "base_url": vendor.url,
                    "financial_account": ACCOUNT,
                    "source_currency": "EUR",
                },
                credentials={"api_key": Secret(API_KEY), "webhook_secret": Secret(WEBHOOK_SECRET)},
                assets={"EUR": 2},
                destination_kinds=frozenset({KIND}),
                fees=FeeSchedule(basis_points=500),
                http=HttpClient(),
            ),
            amount=Money(amount_minor=1_250, asset="EUR"),
            destination=Destination(kind=KIND, value="acct_canarySparrow77", memo="usba_canaryFinch88"),
        )
