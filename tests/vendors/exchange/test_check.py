"""Is our account at an exchange ready to pay, and if not, what is to be done?"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from rewardrails import clock
from rewardrails.domain.money import Money
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.providers.base import Checked
from rewardrails.providers.exchange.provider import ExchangeProvider
from tests.vendors.exchange.account import context_at
from tests.vendors.exchange.book import ExchangeDouble
from tests.vendors.exchange.doubles import DOUBLES

At = tuple[ExchangeDouble, ExchangeProvider]


@pytest.fixture(params=DOUBLES)
async def at(request: pytest.FixtureRequest) -> AsyncIterator[At]:
    async with DOUBLES[request.param]() as double:
        provider = ExchangeProvider(context_at(request.param, double))
        yield double, provider
        await provider.close()


async def wrong(provider: ExchangeProvider) -> dict[str, Checked]:
    return {one.about: one for one in await provider.check() if not one.is_right}


async def test_an_account_that_is_ready(at: At) -> None:
    double, provider = at
    found = {one.about: one for one in await provider.check()}

    assert [one for one in found.values() if not one.is_right] == []
    assert {"connection", "credentials", "withdraw permission", "network addresses", "balance TON"} <= found.keys()
    assert {f"withdrawals of {asset}" for asset in ("TON", "USDT", "EUR")} <= found.keys()
    assert "fee 0.02" in found["withdrawals of TON"].found
    assert double.taken == []


async def test_a_key_that_may_not_withdraw_or_works_from_anywhere(at: At) -> None:
    double, provider = at
    double.may_withdraw, double.bound_to = False, ""

    found = await wrong(provider)

    assert found.keys() == {"withdraw permission", "network addresses"}
    assert "whoever finds it" in found["network addresses"].do


async def test_a_machine_that_is_not_on_the_list(at: At) -> None:
    double, provider = at
    double.comes_from_elsewhere = True

    found = await wrong(provider)

    assert "access" in found
    assert any(code in found["access"].found for code in ("-2015", "50110", "10010"))


async def test_withdrawals_that_are_stopped_and_nothing_to_pay_with(at: At) -> None:
    double, provider = at
    double.open["TON"] = False
    double.free["USDT"] -= double.free["USDT"]

    found = await wrong(provider)

    assert found.keys() == {"withdrawals of TON", "balance USDT"}
    assert "stopped" in found["withdrawals of TON"].found


async def test_clocks_that_differ(at: At) -> None:
    """The exchange refuses what was signed an hour ago, and says so."""
    double, provider = at
    an_hour_ago = round((clock.now() - timedelta(hours=1)).timestamp() * 1000)
    provider._client.library._exchange.milliseconds = lambda: an_hour_ago

    found = await wrong(provider)

    assert "access" in found
    assert any(code in found["access"].found for code in ("-1021", "50102", "10002"))
    assert "clock" in found["access"].do
    assert double.taken == []


async def test_nobody_there(at: At) -> None:
    double, provider = at
    await double.__aexit__(None, None, None)

    assert (await wrong(provider)).keys() == {"connection"}


async def test_the_balance_is_what_is_free_in_smallest_units(at: At) -> None:
    double, provider = at
    double.free["TON"] = double.free["TON"].scaleb(-12) + double.fees["TON"].scaleb(-8)

    held = await provider.balance()

    assert held[0] == Money(amount_minor=1_000_000_000, asset="TON")
    assert [one.asset for one in held] == ["TON", "USDT", "EUR"]
    double.comes_from_elsewhere = True
    with pytest.raises(RewardRailsError) as refused:
        await provider.balance()
    assert refused.value.code is ErrorCode.PROVIDER_UNAVAILABLE
