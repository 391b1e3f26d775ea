"""Stripe's list of payments, as reconciliation reads it: ours, a stranger's, another account's, and half a list."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.statement import StatementItem, Window
from rewardrails.errors import ErrorCode, RewardRailsError
from rewardrails.providers.stripe.provider import StripeProvider
from tests.vendors.stripe.double import ACCOUNT, StripeDouble
from tests.vendors.stripe.test_steps import ORDER, made, provider_of

pytestmark = [pytest.mark.promise("G4")]


@pytest.fixture
async def double() -> AsyncIterator[StripeDouble]:
    async with StripeDouble() as opened:
        yield opened


@pytest.fixture
async def rail(double: StripeDouble) -> AsyncIterator[StripeProvider]:
    provider = provider_of(double)
    yield provider
    await provider.close()


def a_payment(**changes: object) -> dict[str, Any]:
    return {
        "id": "obp_strange",
        "status": "posted",
        "amount": {"value": 999, "currency": "eur"},
        "created": datetime.now(UTC).isoformat(),
        "from": {"financial_account": ACCOUNT, "debited": {"value": 999, "currency": "eur"}},
        "payout_intent": None,
        "metadata": {},
    } | changes


async def listed(rail: StripeProvider, *, days: int = 1) -> list[StatementItem]:
    now = datetime.now(UTC)
    window = Window(start=now - timedelta(days=days), end=now + timedelta(days=days))
    return [item async for page in rail.statement(window) for item in page]


@pytest.mark.parametrize("copies", [True, False])
async def test_ours_is_known_by_its_intent_whether_or_not_its_metadata_is_copied(
    double: StripeDouble, rail: StripeProvider, *, copies: bool
) -> None:
    double.copies_metadata = copies
    await rail.create_payout(await made(rail))
    (intent,) = double.intents

    (item,) = await listed(rail)

    assert (item.item_id, item.provider_reference) == (intent.payment_id, intent.id)
    assert item.reference == (ORDER.rail_key if copies else "")
    assert (item.amount, item.status) == (ORDER.amount, ObservedStatus.PENDING)


async def test_what_was_paid_without_an_intent_of_ours_is_on_the_list(
    double: StripeDouble, rail: StripeProvider
) -> None:
    double.others = [a_payment(), a_payment(id="obp_odd", status="on_the_moon", amount={"value": 5, "currency": "gbp"})]

    odd, strange = await listed(rail)

    assert (strange.provider_reference, strange.reference, strange.status) == ("", "", ObservedStatus.PAID)
    assert (odd.amount, odd.told, odd.status) == (None, "5 gbp", ObservedStatus.UNKNOWN)


async def test_a_second_payment_of_one_intent_is_an_item_of_its_own(double: StripeDouble, rail: StripeProvider) -> None:
    await rail.create_payout(await made(rail))
    double.others = [a_payment(payout_intent=double.intents[0].id)]

    items = await listed(rail)

    assert len({item.item_id for item in items}) == 2
    assert {item.provider_reference for item in items} == {double.intents[0].id}


async def test_what_another_financial_account_paid_is_not_this_rails(
    double: StripeDouble, rail: StripeProvider
) -> None:
    double.others = [a_payment(**{"from": {"financial_account": "fa_other"}})]

    assert await listed(rail) == []


async def test_every_page_is_read(double: StripeDouble, rail: StripeProvider) -> None:
    double.others = [a_payment(id=f"obp_{number}") for number in range(7)]
    double.page = 3

    assert len(await listed(rail)) == 7


async def test_an_empty_list_is_believed_only_while_the_account_can_be_read(double: StripeDouble) -> None:
    other = provider_of(double, account="fa_other")

    with pytest.raises(RewardRailsError) as refused:
        await listed(other)

    await other.close()
    assert refused.value.code is ErrorCode.PROVIDER_UNAVAILABLE


@pytest.mark.parametrize("start", ["/v2/money_management/payout_intents", "https://elsewhere.example"])
async def test_a_next_page_that_is_somewhere_else_is_not_asked_for(
    double: StripeDouble, rail: StripeProvider, start: str
) -> None:
    double.others = [a_payment()]
    double.next_page_url = f"{start}?limit=1"

    with pytest.raises(RewardRailsError):
        await listed(rail)


async def test_a_right_that_the_key_has_not_is_named(double: StripeDouble, rail: StripeProvider) -> None:
    double.forbidden = "outbound_payments"

    with pytest.raises(RewardRailsError, match="right") as refused:
        await listed(rail)

    assert refused.value.code is ErrorCode.PROVIDER_AUTH_FAILED
