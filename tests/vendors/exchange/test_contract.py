"""The rail over exchanges keeps the contract, against doubles of exchanges that their own clients understand."""

from collections.abc import AsyncIterator

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.providers.exchange.provider import ExchangeProvider
from rewardrails.testing.contract import ProviderContract, Subject
from tests.vendors.exchange.account import context_at
from tests.vendors.exchange.binance import BinanceDouble
from tests.vendors.exchange.book import KIND, ExchangeDouble
from tests.vendors.exchange.bybit import BybitDouble
from tests.vendors.exchange.okx import OkxDouble

pytestmark = [
    pytest.mark.promise("G1", "G4", "G6"),
    pytest.mark.incident("I4", "I9", "I12", "I15", "I22", "I23", "I24"),
]
WALLET = "UQCanary2718281828459045235360287471352662497757"


class TestBinanceRail(ProviderContract):
    @pytest.fixture
    async def vendor(self) -> AsyncIterator[ExchangeDouble]:
        async with BinanceDouble() as double:
            yield double

    @pytest.fixture
    def subject(self, vendor: ExchangeDouble) -> Subject:
        return Subject(
            adapter=ExchangeProvider,
            context=context_at("binance", vendor),
            amount=Money(amount_minor=12_500_000_000, asset="TON"),
            destination=Destination(kind=KIND, value=WALLET, memo="9061524"),
            signed_fields=frozenset({"timestamp", "signature"}),
            empty_list=b"[]",
        )


class TestOkxRail(ProviderContract):
    @pytest.fixture
    async def vendor(self) -> AsyncIterator[ExchangeDouble]:
        async with OkxDouble() as double:
            yield double

    @pytest.fixture
    def subject(self, vendor: ExchangeDouble) -> Subject:
        return Subject(
            adapter=ExchangeProvider,
            context=context_at("okx", vendor),
            amount=Money(amount_minor=12_500_000, asset="USDT"),
            destination=Destination(kind=KIND, value=WALLET, memo="9061524"),
        )


class TestBybitRail(ProviderContract):
    @pytest.fixture
    async def vendor(self) -> AsyncIterator[ExchangeDouble]:
        async with BybitDouble() as double:
            yield double

    @pytest.fixture
    def subject(self, vendor: ExchangeDouble) -> Subject:
        return Subject(
            adapter=ExchangeProvider,
            context=context_at("bybit", vendor),
            amount=Money(amount_minor=12_500_000_000, asset="TON"),
            destination=Destination(kind=KIND, value=WALLET),
            signed_fields=frozenset({"timestamp"}),
        )
