"""The Stripe rail keeps the contract, against a double of Stripe that is written from its documents."""

from collections.abc import AsyncIterator

import pytest

from rewardrails.providers.stripe.provider import StripeProvider
from rewardrails.testing.contract import ProviderContract, Subject
from tests.vendors.stripe.account import AMOUNT, DESTINATION, context_at
from tests.vendors.stripe.double import StripeDouble, StripeNotices

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
        return Subject(adapter=StripeProvider, context=context_at(vendor), amount=AMOUNT, destination=DESTINATION)
