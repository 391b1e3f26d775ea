"""Stripe's own client understands our double, so the double is not merely our own misunderstanding."""

import asyncio
import time
import typing
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import stripe
from stripe.v2.money_management import OutboundPayment, PayoutIntent

from rewardrails.domain.observation import ObservedStatus
from rewardrails.providers.stripe.mapping import INTENT_STATUSES, PAYMENT_STATUSES, REASONS, REQUIRES_ACTION
from rewardrails.testing.contract import News, SignedBy
from tests.vendors.stripe.account import AMOUNT, DESTINATION
from tests.vendors.stripe.double import ACCOUNT, API_KEY, VERSION, WEBHOOK_SECRET, StripeDouble, StripeNotices

KEY = "00000000000070008000000000000000-1"
WANTED = {
    "amount": {"value": 1_250, "currency": "eur"},
    "from": {"financial_account": ACCOUNT, "currency": "eur"},
    "to": {"recipient": "acct_Sparrow77", "currency": "eur"},
    "confirmation_method": "manual",
    "metadata": {"rewardrails_key": KEY},
}


@pytest.fixture
async def double() -> AsyncIterator[StripeDouble]:
    async with StripeDouble() as opened:
        yield opened


@pytest.fixture
def client(double: StripeDouble) -> stripe.StripeClient:
    return stripe.StripeClient(API_KEY, base_addresses={"api": double.url}, max_network_retries=0)


def test_the_double_speaks_the_version_that_the_client_was_made_for() -> None:
    assert stripe.api_version == VERSION


async def test_an_intent_is_made_once_confirmed_once_and_read_back(client, double) -> None:
    intents, payments = client.v2.money_management.payout_intents, client.v2.money_management.outbound_payments
    keyed = {"idempotency_key": KEY}

    made = await asyncio.to_thread(intents.create, WANTED, keyed)
    again = await asyncio.to_thread(intents.create, WANTED, keyed)
    confirmed = [await asyncio.to_thread(intents.confirm, made.id, {}, keyed) for _ in range(2)]
    await double.move(KEY, ObservedStatus.PAID)
    read = await asyncio.to_thread(intents.retrieve, made.id)
    payment = await asyncio.to_thread(payments.retrieve, read.latest_payout.outbound_payment)

    assert made.id == again.id
    assert made.next_action.type == "confirm"
    assert [one.status for one in confirmed] == ["processing", "processing"]
    assert (read.status, payment.status, payment.amount.value, payment.payout_intent) == (
        "posted",
        "posted",
        1_250,
        made.id,
    )
    assert len(await double.journal(KEY)) == 1


async def test_lists_go_on_from_page_to_page(client, double) -> None:
    double.page = 2
    intents, payments = client.v2.money_management.payout_intents, client.v2.money_management.outbound_payments
    for number in range(5):
        made = await asyncio.to_thread(intents.create, WANTED, {"idempotency_key": f"k{number}"})
        await asyncio.to_thread(intents.confirm, made.id, {}, {"idempotency_key": f"c{number}"})
    span = {"created": {"gte": "2020-01-01T00:00:00.000Z", "lt": "2100-01-01T00:00:00.000Z"}}

    listed = await asyncio.to_thread(lambda: list(intents.list().auto_paging_iter()))
    paid = await asyncio.to_thread(lambda: list(payments.list(span).auto_paging_iter()))

    assert len({one.id for one in listed}) == len({one.id for one in paid}) == 5


async def test_refusals_are_errors_to_the_client(client, double) -> None:
    intents = client.v2.money_management.payout_intents
    made = await asyncio.to_thread(intents.create, WANTED, {"idempotency_key": KEY})
    canceled = await asyncio.to_thread(intents.cancel, made.id, {})

    with pytest.raises(stripe.AlreadyCanceledError):
        await asyncio.to_thread(intents.cancel, made.id, {})
    with pytest.raises(stripe.StripeError, match="please mend"):
        await asyncio.to_thread(intents.create, WANTED | {"confirmation_method": "automatic"})
    stranger = stripe.StripeClient("TEST_other", base_addresses={"api": double.url}, max_network_retries=0)
    with pytest.raises(stripe.AuthenticationError):
        await asyncio.to_thread(stranger.v2.money_management.payout_intents.retrieve, made.id)

    assert canceled.status == "canceled"


async def test_events_are_believed_by_the_client(client) -> None:
    at = datetime.fromtimestamp(int(time.time()), UTC)
    news = News(
        event="1",
        at=at,
        status=ObservedStatus.PAID,
        rail_key=KEY,
        provider_reference="pi_test_1",
        amount=AMOUNT,
        destination=DESTINATION,
    )
    maker = StripeNotices()
    body = maker.write(news)

    def read(by: SignedBy) -> typing.Any:
        signature = maker.sign(body, event="1", at=at, by=by)["stripe-signature"]
        return client.parse_event_notification(body, signature, WEBHOOK_SECRET)

    assert read(SignedBy.VENDOR).related_object.id == "pi_test_1"
    with pytest.raises(stripe.SignatureVerificationError):
        read(SignedBy.STRANGER)


def test_every_status_and_reason_of_the_client_is_mapped() -> None:
    def words(kind: typing.Any, name: str) -> set[str]:
        told = typing.get_type_hints(kind)[name]
        return {
            word for one in (told, *typing.get_args(told)) for word in typing.get_args(one) if isinstance(word, str)
        } | {one for one in typing.get_args(told) if isinstance(one, str)}

    reasons = words(OutboundPayment.StatusDetails.Failed, "reason") | words(
        OutboundPayment.StatusDetails.Returned, "reason"
    )

    assert words(OutboundPayment, "status") == set(PAYMENT_STATUSES)
    # `posted` is told by the payment that the intent has made.
    assert words(PayoutIntent, "status") - {"posted"} <= set(INTENT_STATUSES) | {REQUIRES_ACTION}
    assert reasons - set(REASONS) == set()
    assert "payout_method_declined" in reasons
