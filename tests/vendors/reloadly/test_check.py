"""What `providers check` says of an account at Reloadly, and how its token is kept."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.quote import QuoteRequest
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.providers.base import Checked
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.reloadly.provider import ReloadlyProvider
from rewardrails.secrets import Secret
from tests.vendors.reloadly.account import context_at
from tests.vendors.reloadly.double import FIXED, KIND, RANGED, ReloadlyDouble


@pytest.fixture
async def vendor() -> AsyncIterator[ReloadlyDouble]:
    async with ReloadlyDouble() as double:
        yield double


async def checked(context: ProviderContext) -> dict[str, Checked]:
    rail = ReloadlyProvider(replace(context, http=HttpClient()))
    try:
        return {one.about: one for one in await rail.check()}
    finally:
        await rail.close()


async def test_an_account_that_is_ready_has_nothing_wrong(vendor: ReloadlyDouble) -> None:
    vendor.balance = type(vendor.balance)("123.45")

    found = await checked(context_at(vendor, products=[FIXED, RANGED]))

    assert [one.about for one in found.values() if not one.is_right] == []
    products = {f"product {FIXED}", f"product {RANGED}"}
    assert found.keys() == {"connection", "credentials", "clock", "balance USD"} | products
    assert found["balance USD"].found == "123.45 USD"
    assert vendor.taken == []


async def test_unknown_credentials_are_named_and_not_told(vendor: ReloadlyDouble) -> None:
    context = context_at(vendor)
    wrong = replace(context, credentials={**context.credentials, "client_secret": Secret("other-secret")})

    found = await checked(wrong)

    assert (found["credentials"].is_right, "401" in found["credentials"].found) == (False, True)
    assert "other-secret" not in str(found)


async def test_an_empty_balance_and_a_product_that_is_not_sold_are_named(vendor: ReloadlyDouble) -> None:
    vendor.balance = type(vendor.balance)(0)

    found = await checked(context_at(vendor, products=[4711]))

    assert not found["balance USD"].is_right
    assert not found["product 4711"].is_right


async def test_nobody_there_is_one_finding() -> None:
    double = ReloadlyDouble()
    async with double:
        context = context_at(double)

    found = await checked(context)

    assert [(one.about, one.is_right) for one in found.values()] == [("credentials", False)]


async def test_a_token_is_fetched_once_and_anew_when_it_was_withdrawn(vendor: ReloadlyDouble) -> None:
    rail = ReloadlyProvider(replace(context_at(vendor), http=HttpClient()))
    try:
        for _ in range(3):
            await rail.balance()
        before = vendor.tokens_given
        vendor.withdraw_tokens()
        await rail.balance()
    finally:
        await rail.close()

    assert (before, vendor.tokens_given) == (1, 2)


async def test_a_quote_that_cannot_be_had_is_a_typed_error() -> None:
    double = ReloadlyDouble()
    async with double:
        rail = ReloadlyProvider(context_at(double))
    asked = QuoteRequest(
        amount=Money(amount_minor=700, asset="USD"),
        destination=Destination(kind=KIND, value=str(RANGED)),
        player_id="player:1",
        jurisdiction="DE",
    )

    with pytest.raises(RewardRailsError) as refused:
        await rail.quote(asked)

    await rail.close()
    assert refused.value.code is ErrorCode.PROVIDER_UNAVAILABLE
