"""What `providers check` says of an account at PayPal."""

from collections.abc import AsyncIterator

import pytest

from rewardrails.providers.base import Checked
from rewardrails.providers.paypal.provider import PayPalProvider
from tests.vendors.paypal.account import provider_of
from tests.vendors.paypal.double import PayPalDouble


@pytest.fixture
async def double() -> AsyncIterator[PayPalDouble]:
    async with PayPalDouble() as opened:
        yield opened


async def checked(rail: PayPalProvider) -> dict[str, Checked]:
    try:
        return {one.about: one for one in await rail.check()}
    finally:
        await rail.close()


async def test_an_account_that_is_ready_has_nothing_wrong_and_nothing_is_paid(double: PayPalDouble) -> None:
    found = await checked(provider_of(double))

    assert {about: one.is_right for about, one in found.items()} == {
        "connection": True,
        "credentials": True,
        "clock": True,
    }
    assert double.taken == []


async def test_an_app_that_paypal_does_not_know_is_named(double: PayPalDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.vendors.paypal.double.CLIENT_SECRET", "another")

    found = await checked(provider_of(double))

    assert [(one.about, one.is_right) for one in found.values()] == [("credentials", False)]
    assert "client_secret" in found["credentials"].do


async def test_nobody_there_is_named() -> None:
    double = PayPalDouble()
    async with double:
        rail = provider_of(double)

    found = await checked(rail)

    assert [one.is_right for one in found.values()] == [False]
