"""What `providers check` says of an account at Tremendous: each thing right, and each thing wrong with what to do."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from rewardrails import clock
from rewardrails.providers.base import Checked
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.tremendous.provider import TremendousProvider
from rewardrails.secrets import Secret
from tests.vendors.tremendous.account import context_at
from tests.vendors.tremendous.double import TremendousDouble

HERE = "https://pay.example/v1/webhooks/gifts"


class Ahead(clock.SystemClock):
    def now(self) -> datetime:
        return super().now() + timedelta(minutes=5)


@pytest.fixture
async def vendor() -> AsyncIterator[TremendousDouble]:
    async with TremendousDouble() as double:
        yield double


async def checked(context: ProviderContext) -> dict[str, Checked]:
    rail = TremendousProvider(replace(context, http=HttpClient()))
    try:
        return {one.about: one for one in await rail.check()}
    finally:
        await rail.close()


async def test_an_account_that_is_ready_has_nothing_wrong(vendor: TremendousDouble) -> None:
    vendor.available_cents = 12_345

    found = await checked(context_at(vendor))

    assert [one.about for one in found.values() if not one.is_right] == []
    assert found.keys() == {"connection", "credentials", "clock", "balance USD", "webhook"}
    assert found["balance USD"].found == "123.45 USD"
    assert vendor.taken == []


async def test_unknown_credentials_are_named(vendor: TremendousDouble) -> None:
    context = context_at(vendor)
    wrong = replace(context, credentials={**context.credentials, "api_key": Secret("TEST_other")})

    found = await checked(wrong)

    assert (found["credentials"].is_right, "401" in found["credentials"].found) == (False, True)
    assert "TEST_other" not in str(found)


async def test_a_funding_source_that_is_not_there_is_named(vendor: TremendousDouble) -> None:
    context = context_at(vendor)
    wrong = replace(context, settings={**context.settings, "funding_source_id": "OTHER"})

    found = await checked(wrong)

    assert not found["funding source"].is_right
    assert "OTHER" in found["funding source"].found


async def test_an_empty_balance_is_not_ready(vendor: TremendousDouble) -> None:
    vendor.available_cents = 0

    assert not (await checked(context_at(vendor)))["balance USD"].is_right


@pytest.mark.parametrize(
    ("hooks", "words"),
    [
        ([], "none of theirs comes here"),
        (
            [{"id": "H", "url": "https://pay.example/v1/webhooks/other", "private_key": "k"}],
            "none of theirs comes here",
        ),
        ([{"id": "H", "url": HERE, "private_key": "another"}], "signed with another key"),
    ],
)
async def test_a_webhook_that_is_not_set_up_is_named_without_its_key(
    vendor: TremendousDouble, hooks: list[dict[str, str]], words: str
) -> None:
    vendor.webhooks = hooks

    webhook = (await checked(context_at(vendor)))["webhook"]

    assert not webhook.is_right
    assert words in webhook.found
    assert "another" not in webhook.do


async def test_clocks_that_differ_are_named(vendor: TremendousDouble) -> None:
    with clock.use(Ahead()):
        found = await checked(context_at(vendor))

    assert not found["clock"].is_right
    assert "NTP" in found["clock"].do


async def test_nobody_there_is_one_finding() -> None:
    double = TremendousDouble()
    async with double:
        context = context_at(double)

    found = await checked(context)

    assert [(one.about, one.is_right) for one in found.values()] == [("connection", False)]
