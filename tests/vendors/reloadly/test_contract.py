"""The Reloadly rail keeps the contract, against a double of Reloadly."""

from collections.abc import AsyncIterator

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.providers.reloadly.provider import ReloadlyProvider
from rewardrails.testing.contract import ProviderContract, Subject
from tests.vendors.reloadly.account import context_at
from tests.vendors.reloadly.double import KIND, RANGED, ReloadlyDouble

pytestmark = [
    pytest.mark.promise("G1", "G4", "G6"),
    pytest.mark.incident("I4", "I9", "I12", "I15", "I27"),
]


class TestReloadlyRail(ProviderContract):
    @pytest.fixture
    async def vendor(self) -> AsyncIterator[ReloadlyDouble]:
        async with ReloadlyDouble() as double:
            yield double

    @pytest.fixture
    def subject(self, vendor: ReloadlyDouble) -> Subject:
        return Subject(
            adapter=ReloadlyProvider,
            context=context_at(vendor),
            amount=Money(amount_minor=1_250, asset="USD"),
            destination=Destination(kind=KIND, value=str(RANGED)),
        )
