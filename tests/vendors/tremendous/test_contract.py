"""The Tremendous rail keeps the contract, against a double of Tremendous that its own client understands."""

from collections.abc import AsyncIterator

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.providers.tremendous.provider import TremendousProvider
from rewardrails.testing.contract import ProviderContract, Subject
from tests.vendors.tremendous.account import context_at
from tests.vendors.tremendous.double import KIND, TremendousDouble, TremendousNotices

pytestmark = [
    pytest.mark.promise("G1", "G4", "G6"),
    pytest.mark.incident("I4", "I9", "I12", "I15", "I22", "I23", "I24"),
]


class TestTremendousRail(ProviderContract):
    @pytest.fixture
    async def vendor(self) -> AsyncIterator[TremendousDouble]:
        async with TremendousDouble() as double:
            yield double

    @pytest.fixture
    def notices(self) -> TremendousNotices:
        return TremendousNotices()

    @pytest.fixture
    def subject(self, vendor: TremendousDouble) -> Subject:
        return Subject(
            adapter=TremendousProvider,
            context=context_at(vendor),
            amount=Money(amount_minor=1_250, asset="USD"),
            destination=Destination(kind=KIND, value="canary-2718@example.org"),
        )


class TestTremendousLinkRail(TestTremendousRail):
    """The same, where the game delivers the link."""

    @pytest.fixture
    def subject(self, vendor: TremendousDouble) -> Subject:
        return Subject(
            adapter=TremendousProvider,
            context=context_at(vendor, delivery="LINK"),
            amount=Money(amount_minor=1_250, asset="USD"),
            destination=Destination(kind=KIND, value="canary-2718@example.org"),
        )
