"""Acme keeps the provider contract. The tests come with RewardRails; here are the fixtures they need."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from acme_rail.provider import AcmeProvider
from double import API_KEY, WEBHOOK_SECRET, AcmeDouble, AcmeNotices

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.providers.capabilities import FeeSchedule, ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.registry import build
from rewardrails.secrets import Secret
from rewardrails.testing.contract import ProviderContract, Subject


class TestAcme(ProviderContract):
    @pytest_asyncio.fixture
    async def vendor(self) -> AsyncIterator[AcmeDouble]:
        async with AcmeDouble() as double:
            yield double

    @pytest.fixture
    def notices(self) -> AcmeNotices:
        return AcmeNotices()

    @pytest.fixture
    def subject(self, vendor: AcmeDouble) -> Subject:
        return Subject(
            adapter=AcmeProvider,
            context=context(vendor.url),
            amount=Money(amount_minor=4_200, asset="EUR"),
            destination=Destination(kind="iban", value="DE89370400440532013000", memo="note-canary-8812"),
        )


def test_the_package_announces_its_adapter() -> None:
    assert isinstance(build("acme", context("http://127.0.0.1:1")), AcmeProvider)


def context(url: str) -> ProviderContext:
    return ProviderContext(
        name="acme-eu",
        environment=ProviderEnvironment.SANDBOX,
        settings={"base_url": url},
        credentials={"api_key": Secret(API_KEY), "webhook_secret": Secret(WEBHOOK_SECRET)},
        assets={"EUR": 2},
        fees=FeeSchedule(fixed_minor={"EUR": 30}),
        http=HttpClient(),
    )
