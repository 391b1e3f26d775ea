"""Stripe's own client understands our double and our signatures, so neither is merely our own misunderstanding."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from stripe import StripeClient, StripeObject, WebhookSignature
from stripe.events import V2MoneyManagementPayoutIntentPostedEventNotification
from stripe.v2.money_management import FinancialAccount, OutboundPayment, PayoutIntent

from rewardrails import clock
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import WebhookRefused
from rewardrails.providers.stripe.settings import API_VERSION
from rewardrails.providers.stripe.webhook import read_event
from rewardrails.secrets import Secret
from rewardrails.testing.contract import News, SignedBy
from tests.vendors.stripe.double import (
    ACCOUNT,
    API_KEY,
    TRUTHS,
    WEBHOOK_SECRET,
    Step,
    StripeDouble,
    StripeNotices,
    Trouble,
)
from tests.vendors.stripe.test_steps import ORDER

KEY = "00000000000070008000000000000000-1"
WANTED: dict[str, Any] = {
    "amount": {"value": 1250, "currency": "eur"},
    "from": {"financial_account": ACCOUNT, "currency": "eur"},
    "to": {"recipient": "acct_Sparrow77", "currency": "eur"},
    "confirmation_method": "manual",
    "metadata": {"rewardrails_key": KEY},
}
OBJECTS = {kind.OBJECT_NAME: kind for kind in (FinancialAccount, OutboundPayment, PayoutIntent)}


@pytest.fixture
async def double() -> AsyncIterator[StripeDouble]:
    async with StripeDouble() as opened:
        yield opened


@pytest.fixture
def client(double: StripeDouble) -> StripeClient:
    return client_of(double)


def client_of(double: StripeDouble, key: str = API_KEY) -> StripeClient:
    return StripeClient(key, base_addresses={"api": double.url}, max_network_retries=0)


async def made(client: StripeClient, key: str = KEY, **changes: object) -> PayoutIntent:
    intents = client.v2.money_management.payout_intents
    return await asyncio.to_thread(intents.create, WANTED | changes, {"idempotency_key": key})  # type: ignore[arg-type]


async def confirmed(client: StripeClient) -> PayoutIntent:
    intents = client.v2.money_management.payout_intents
    intent = await made(client)
    return await asyncio.to_thread(intents.confirm, intent.id, None, {"idempotency_key": f"{KEY}-confirm"})


def test_the_client_speaks_the_version_that_we_do() -> None:
    assert stripe.api_version == API_VERSION


async def test_an_intent_is_made_once_confirmed_once_and_read_back(double: StripeDouble, client: StripeClient) -> None:
    money = client.v2.money_management
    first, again = await made(client), await made(client)
    await confirmed(client)
    await confirmed(client)
    found = await asyncio.to_thread(money.payout_intents.retrieve, first.id)
    payment = await asyncio.to_thread(money.outbound_payments.retrieve, found.latest_payout.outbound_payment)

    assert first.id == again.id == found.id == payment.payout_intent
    assert (first.status, first.next_action.type) == ("requires_action", "confirm")
    assert (payment.status, payment.amount.value, payment.to.recipient) == ("processing", 1250, "acct_Sparrow77")
    assert [one.paid for one in double.intents] == [1]


async def test_both_lists_are_read_page_by_page(double: StripeDouble, client: StripeClient) -> None:
    double.page = 2
    money = client.v2.money_management
    for number in range(5):
        intent = await made(client, key=f"k-{number}")
        await asyncio.to_thread(money.payout_intents.confirm, intent.id, None, {"idempotency_key": f"c-{number}"})

    intents = await asyncio.to_thread(lambda: [*money.payout_intents.list({"limit": 2}).auto_paging_iter()])
    since = {"created": {"gte": (double.now() - timedelta(hours=1)).isoformat()}}
    sent = await asyncio.to_thread(lambda: [*money.outbound_payments.list(since).auto_paging_iter()])
    later = {"created": {"gte": (double.now() + timedelta(hours=1)).isoformat()}}
    unsent = await asyncio.to_thread(lambda: [*money.outbound_payments.list(later).auto_paging_iter()])

    assert len({one.id for one in intents}) == len({one.id for one in sent}) == 5
    assert unsent == []


async def test_refusals_are_those_that_the_client_knows(double: StripeDouble, client: StripeClient) -> None:
    intents = client.v2.money_management.payout_intents
    intent = await made(client)
    double.troubles[Step.CONFIRM].append(Trouble.REFUSE)

    with pytest.raises(stripe.IdempotencyError):
        await made(client, amount={"value": 1300, "currency": "eur"})
    with pytest.raises(stripe.InvalidPayoutMethodError):
        await made(client, key="other", to={"recipient": "nobody", "currency": "eur"})
    with pytest.raises(stripe.AuthenticationError):
        await made(client_of(double, key="wrong"))
    with pytest.raises(stripe.InsufficientFundsError):
        await asyncio.to_thread(intents.confirm, intent.id, None, {"idempotency_key": "c"})
    canceled = await asyncio.to_thread(intents.cancel, intent.id, None, {"idempotency_key": "x"})
    with pytest.raises(stripe.AlreadyCanceledError):
        await asyncio.to_thread(intents.confirm, intent.id, None, {"idempotency_key": "d"})

    assert canceled.status == "canceled"
    assert [one.paid for one in double.intents] == [0]


@pytest.mark.parametrize("status", [status for status in TRUTHS if status is not ObservedStatus.UNKNOWN])
async def test_every_answer_of_the_double_has_the_fields_and_words_that_the_client_lists(
    double: StripeDouble, client: StripeClient, status: ObservedStatus
) -> None:
    double.rate = "0.92345"
    intent = await confirmed(client)
    await double.move(KEY, status)
    told = [
        await asyncio.to_thread(client.raw_request, "get", f"/v2/money_management/{path}")
        for path in (
            f"payout_intents/{intent.id}",
            f"outbound_payments/obp_{intent.id}",
            f"financial_accounts/{ACCOUNT}",
        )
    ]

    for answer in told:
        values = json.loads(answer.body)
        strange = strangers(OBJECTS[values["object"]], values)
        assert strange == []


def strangers(kind: type[StripeObject], values: Mapping[str, Any], path: str = "") -> list[str]:
    """What of an answer the client's own description of the object does not list."""
    names = {kind._field_remappings.get(name, name): hint for name, hint in kind.__annotations__.items()}
    found = [f"{path}{name}" for name in values if name not in names]
    for name, inner in kind._inner_class_types.items():
        if isinstance(values.get(name), dict) and name not in kind._inner_class_dicts:
            found += strangers(inner, values[name], f"{path}{name}.")
    for name, hint in names.items():
        words = literals(hint)
        if words and isinstance(values.get(name), str) and values[name] not in words:
            found.append(f"{path}{name}={values[name]}")
    return found


def literals(hint: object) -> frozenset[str]:
    """The words that an annotation lists."""
    inner = getattr(hint, "__args__", ())
    return frozenset(one for part in inner for one in ([part] if isinstance(part, str) else literals(part)))


def test_the_stranger_finder_sees_a_word_and_a_field_that_the_client_does_not_list() -> None:
    assert strangers(OutboundPayment, {"status": "on_the_moon", "moon": 1}) == ["moon", "status=on_the_moon"]


def news(at: datetime) -> News:
    return News(
        event="one",
        at=at,
        status=ObservedStatus.PAID,
        rail_key="",
        provider_reference="pi_test_00001",
        amount=ORDER.amount,
        destination=ORDER.destination,
    )


def test_the_client_believes_our_signature_and_knows_the_event(client: StripeClient) -> None:
    at, hand = clock.now(), StripeNotices()
    body = hand.write(news(at))
    header = hand.sign(body, event="one", at=at, by=SignedBy.VENDOR)["stripe-signature"]

    told = client.parse_event_notification(body, header, WEBHOOK_SECRET)

    assert isinstance(told, V2MoneyManagementPayoutIntentPostedEventNotification)
    assert (told.id, told.related_object.id) == ("evt_one", "pi_test_00001")
    with pytest.raises(stripe.SignatureVerificationError):
        client.parse_event_notification(body + b" ", header, WEBHOOK_SECRET)


def test_we_believe_the_clients_signature_and_no_other() -> None:
    at = clock.now()
    body = StripeNotices().write(news(at))

    def told(secret: str) -> object:
        header = WebhookSignature.generate_signature_header(body.decode(), secret, int(at.timestamp()))
        request = WebhookRequest(body=body, headers={"stripe-signature": header}, received_at=at.astimezone(UTC))
        return read_event(request, Secret(WEBHOOK_SECRET), live=False)

    (observation,) = told(WEBHOOK_SECRET)  # type: ignore[misc]

    assert observation.provider_reference == "pi_test_00001"
    with pytest.raises(WebhookRefused):
        told("another")
