"""What `providers check` says of an account at Stripe."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

import pytest

from rewardrails import clock
from rewardrails.providers.base import Checked
from rewardrails.providers.stripe.provider import StripeProvider
from tests.vendors.stripe.double import StripeDouble, event_destination
from tests.vendors.stripe.test_steps import provider_of

INTENT = "v2.money_management.payout_intent"


@pytest.fixture
async def double() -> AsyncIterator[StripeDouble]:
    async with StripeDouble() as opened:
        yield opened


async def checked(rail: StripeProvider) -> Mapping[str, Checked]:
    try:
        return {one.about: one for one in await rail.check()}
    finally:
        await rail.close()


async def test_an_account_that_is_ready_has_nothing_wrong_and_nothing_is_paid(double: StripeDouble) -> None:
    found = await checked(provider_of(double))

    names = {"connection", "credentials", "clock", "account", "balance EUR", "outbound payments", "webhook"}
    assert [one for one in found.values() if not one.is_right] == []
    assert found.keys() == names
    assert double.intents == []


async def test_a_key_that_stripe_does_not_know_is_named(double: StripeDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.vendors.stripe.double.API_KEY", "another")

    found = await checked(provider_of(double))

    assert (found["credentials"].is_right, "401" in found["credentials"].found) == (False, True)


@pytest.mark.parametrize(("path", "about"), [("outbound_payments", "outbound payments"), ("event_dest", "webhook")])
async def test_a_right_that_the_key_has_not_is_named(double: StripeDouble, path: str, about: str) -> None:
    double.forbidden = path

    found = await checked(provider_of(double))

    assert [one.about for one in found.values() if not one.is_right] == [about]
    assert "key" in found[about].do


async def test_a_financial_account_that_is_not_there_is_not_ready(double: StripeDouble) -> None:
    found = await checked(provider_of(double, account="fa_other"))

    assert not found["credentials"].is_right
    assert "fa_other" in found["connection"].found


async def test_an_empty_balance_is_not_ready(double: StripeDouble) -> None:
    double.held = 0

    assert not (await checked(provider_of(double)))["balance EUR"].is_right


async def test_a_currency_that_stripe_counts_otherwise_is_named(double: StripeDouble) -> None:
    found = await checked(provider_of(double, assets={"EUR": 2, "JPY": 2, "HUF": 0}))

    assert [one.about for one in found.values() if not one.is_right] == ["currency JPY"]


@pytest.mark.parametrize(
    ("destinations", "words"),
    [
        ([], "none of theirs comes here"),
        ([event_destination(webhook_endpoint={"url": "https://a.example/v1/webhooks/other"})], "none of theirs"),
        ([event_destination(webhook_endpoint=None, type="amazon_eventbridge")], "none of theirs"),
        ([event_destination(status="disabled")], "not enough"),
        ([event_destination(event_payload="snapshot")], "not enough"),
        ([event_destination(enabled_events=[f"{INTENT}.posted", f"{INTENT}.canceled"])], "not enough"),
    ],
)
async def test_an_event_destination_that_is_not_enough_is_named(
    double: StripeDouble, destinations: list[dict[str, object]], words: str
) -> None:
    double.destinations = destinations

    webhook = (await checked(provider_of(double)))["webhook"]

    assert not webhook.is_right
    assert words in webhook.found
    assert f"{INTENT}.requires_action" in webhook.do


async def test_an_event_destination_for_everything_is_enough(double: StripeDouble) -> None:
    double.destinations = [event_destination(enabled_events=["*"])]

    assert (await checked(provider_of(double)))["webhook"].is_right


class Ahead(clock.SystemClock):
    def now(self) -> datetime:
        return super().now() + timedelta(minutes=5)


async def test_clocks_that_differ_are_named(double: StripeDouble) -> None:
    with clock.use(Ahead()):
        found = await checked(provider_of(double))

    assert not found["clock"].is_right


async def test_nobody_there_is_one_finding() -> None:
    double = StripeDouble()
    async with double:
        rail = provider_of(double)

    assert [(one.about, one.is_right) for one in (await checked(rail)).values()] == [("connection", False)]
