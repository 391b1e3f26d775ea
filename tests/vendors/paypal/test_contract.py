"""The PayPal rail keeps the contract, against a double that PayPal's description and its own client understand."""

from collections.abc import AsyncIterator

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.paypal.provider import PayPalProvider
from rewardrails.secrets import Secret
from rewardrails.testing.contract import ProviderContract, Subject
from tests.vendors.paypal.double import CLIENT_ID, CLIENT_SECRET, KIND, PayPalDouble
from tests.vendors.paypal.notices import CERTIFICATE_URL, WEBHOOK_ID, PayPalNotices, chain, root

pytestmark = [
    pytest.mark.promise("G1", "G4", "G6"),
    pytest.mark.incident("I4", "I9", "I12", "I15", "I22", "I23", "I24"),
]


class TestPayPalRail(ProviderContract):
    @pytest.fixture
    async def vendor(self) -> AsyncIterator[PayPalDouble]:
        async with PayPalDouble() as double:
            yield double

    @pytest.fixture
    def notices(self) -> PayPalNotices:
        return PayPalNotices()

    @pytest.fixture
    def subject(self, vendor: PayPalDouble) -> Subject:
        return Subject(
            adapter=PayPalProvider,
            context=ProviderContext(
                name="paypal",
                environment=ProviderEnvironment.SANDBOX,
                settings={
                    "base_url": vendor.url,
                    "webhook_id": WEBHOOK_ID,
                    "trusted_roots": root(),
                    "certificates": {CERTIFICATE_URL: chain()},
                },
                credentials={"client_id": Secret(CLIENT_ID), "client_secret": Secret(CLIENT_SECRET)},
                assets={"USD": 2},
                destination_kinds=frozenset({KIND}),
                fees=FeeSchedule(basis_points=200),
                http=HttpClient(),
            ),
            amount=Money(amount_minor=1_250, asset="USD"),
            destination=Destination(kind=KIND, value="canary-2718@example.org"),
        )
