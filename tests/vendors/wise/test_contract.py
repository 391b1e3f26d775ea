"""The Wise rail keeps the contract, against a double of Wise that is written from its documents."""

from collections.abc import AsyncIterator

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.wise.provider import WiseProvider
from rewardrails.secrets import Secret
from rewardrails.testing.contract import ProviderContract, Subject
from tests.vendors.wise.double import API_TOKEN, KIND, PROFILE, PUBLIC_KEY, WiseDouble, WiseNotices

pytestmark = [
    pytest.mark.promise("G1", "G4", "G6"),
    pytest.mark.incident("I4", "I9", "I12", "I15", "I22", "I23", "I24"),
]


class TestWiseRail(ProviderContract):
    @pytest.fixture
    async def vendor(self) -> AsyncIterator[WiseDouble]:
        async with WiseDouble() as double:
            yield double

    @pytest.fixture
    def notices(self) -> WiseNotices:
        return WiseNotices()

    @pytest.fixture
    def subject(self, vendor: WiseDouble) -> Subject:
        return Subject(
            adapter=WiseProvider,
            context=ProviderContext(
                name="banks",
                environment=ProviderEnvironment.SANDBOX,
                settings={
                    "base_url": vendor.url,
                    "profile_id": PROFILE,
                    "source_currency": "EUR",
                    "webhook_public_key": PUBLIC_KEY,
                },
                credentials={"api_token": Secret(API_TOKEN)},
                assets={"EUR": 2},
                destination_kinds=frozenset({KIND}),
                fees=FeeSchedule(basis_points=500),
                http=HttpClient(),
            ),
            amount=Money(amount_minor=1_250, asset="EUR"),
            destination=Destination(kind=KIND, value="DE89370400440532013000", memo="Canary Sparrow-Finch"),
        )
