"""What `providers check` says of an account at Stripe: each thing right, and each thing wrong with what to do."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from rewardrails.providers.base import Checked
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.stripe.provider import StripeProvider
from rewardrails.secrets import Secret
from tests.vendors.stripe.account import context_at
from tests.vendors.stripe.double import StripeDouble


@pytest.fixture
async def vendor() -> AsyncIterator[StripeDouble]:
    async with StripeDouble() as double:
        yield double


async def checked(context: ProviderContext) -> dict[str, Checked]:
    rail = StripeProvider(replace(context, http=HttpClient()))
    try:
        return {one.about: one for one in await rail.check()}
    finally:
        await rail.close()


async def test_an_account_that_is_ready_has_nothing_wrong(vendor: StripeDouble) -> None:
    vendor.balance = 12_345

    found = await checked(context_at(vendor))

    assert [one.about for one in found.values() if not one.is_right] == []
    assert found["balance EUR"].found == "123.45 EUR"
    assert {"credentials", "account", "webhook"} <= found.keys()
    assert vendor.intents == []


async def test_unknown_credentials_are_named(vendor: StripeDouble) -> None:
    context = context_at(vendor)
    wrong = replace(context, credentials={**context.credentials, "api_key": Secret("TEST_other")})

    found = await checked(wrong)

    assert not found["credentials"].is_right
    assert "TEST_other" not in str(found)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": "disabled"}, "disabled"),
        ({"event_payload": "snapshot"}, "whole objects"),
        ({"enabled_events": ["v2.money_management.payout_intent.posted"]}, "payout_intent.canceled"),
        ({"livemode": True}, "none of theirs"),
        ({"webhook_endpoint": {"url": "https://pay.example/v1/webhooks/other"}}, "none of theirs"),
    ],
)
async def test_events_that_do_not_come_here_are_told(vendor: StripeDouble, change: dict[str, Any], says: str) -> None:
    vendor.destinations[0] |= change

    found = await checked(context_at(vendor))

    assert not found["webhook"].is_right
    assert says in found["webhook"].found
    assert found["webhook"].do


async def test_a_key_that_may_not_read_destinations_is_told(vendor: StripeDouble) -> None:
    vendor.lets_read_destinations = False

    found = await checked(context_at(vendor))

    assert (found["webhook"].is_right, found["account"].is_right) == (False, True)
