"""PayPal's notices: whose certificate is believed, from where, when, and what they say."""

from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rewardrails import clock
from rewardrails.domain.destination import Destination
from rewardrails.domain.money import Money
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import ConfigInvalid, ErrorCode, WebhookRefused
from rewardrails.providers.capabilities import ProviderEnvironment
from rewardrails.providers.context import ProviderContext
from rewardrails.providers.http import HttpClient
from rewardrails.providers.paypal.certificates import MOST_FETCHES
from rewardrails.providers.paypal.provider import PayPalProvider
from rewardrails.secrets import Secret
from rewardrails.testing.contract import News, SignedBy
from tests.vendors.paypal.account import provider_of
from tests.vendors.paypal.double import PayPalDouble
from tests.vendors.paypal.notices import (
    CERTIFICATE_PATH,
    CERTIFICATE_URL,
    WEBHOOK_ID,
    PayPalNotices,
    batch_event,
    chain,
    item_event,
    root,
)

pytestmark = [pytest.mark.promise("G4"), pytest.mark.incident("I12")]
KEY = "00000000000070008000000000000000-1"
NEWS = News(
    event="WH-1",
    at=datetime(2026, 11, 1, 10, tzinfo=UTC),
    status=ObservedStatus.PAID,
    rail_key=KEY,
    provider_reference="BATCH1",
    amount=Money(amount_minor=1250, asset="USD"),
    destination=Destination(kind="paypal_email", value="a@example.org"),
)


@pytest.fixture
async def double() -> AsyncIterator[PayPalDouble]:
    async with PayPalDouble() as opened:
        yield opened


@pytest.fixture
async def rail(double: PayPalDouble) -> AsyncIterator[PayPalProvider]:
    made = provider_of(double)
    yield made
    await made.close()


def notice(url: str, *, body: bytes = b"", at: datetime | None = None) -> WebhookRequest:
    at = at or clock.now()
    body = body or PayPalNotices().write(NEWS)
    headers = PayPalNotices(url).sign(body, event="WH-1", at=at, by=SignedBy.VENDOR)
    return WebhookRequest(body=body, headers=headers, received_at=at)


async def told(rail: PayPalProvider, double: PayPalDouble, body: bytes) -> tuple[Observation, ...]:
    request = notice(double.url + CERTIFICATE_PATH, body=body)
    await rail.fetch_keys(request)
    return rail.receive(request)


async def test_a_certificate_is_fetched_once_and_then_known(rail: PayPalProvider, double: PayPalDouble) -> None:
    request = notice(double.url + CERTIFICATE_PATH)
    with pytest.raises(WebhookRefused):
        rail.receive(request)

    for _ in range(3):
        await rail.fetch_keys(request)
        (seen,) = rail.receive(request)

    assert (seen.rail_key, seen.provider_reference, seen.amount) == (KEY, "BATCH1", NEWS.amount)
    assert double.certificates_given == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://api.paypal.com.example.org/v1/notifications/certs/CERT-1",
        "https://example.org/v1/notifications/certs/CERT-1",
        "http://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com@example.org/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com/v1/notifications/certs/../../elsewhere",
        "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1?next=x",
        "https://api.sandbox.paypal.com/elsewhere/CERT-1",
        "",
    ],
)
async def test_a_certificate_from_elsewhere_is_not_even_fetched(url: str) -> None:
    asked: list[str] = []
    rail = _rail(guard=lambda: asked.append(url))
    request = notice(url)
    await rail.fetch_keys(request)
    with pytest.raises(WebhookRefused) as refused:
        rail.receive(request)
    await rail.close()

    assert asked == []
    assert refused.value.code is ErrorCode.WEBHOOK_SIGNATURE_INVALID


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (chain("messageverificationcerts.example.org"), "another owner"),
        (chain("paypal.com.example.org"), "another owner"),
        (chain(signed_by="stranger"), "no trusted root"),
        (chain(valid=(datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))), "lapsed"),
        (root(), "no leaf"),
        ("", "nothing"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "garbage"),
    ],
)
async def test_a_certificate_that_is_not_paypal_s_is_not_believed(
    rail: PayPalProvider, double: PayPalDouble, certificate: str, why: str
) -> None:
    double.certificate = certificate
    request = notice(double.url + CERTIFICATE_PATH)
    await rail.fetch_keys(request)

    with pytest.raises(WebhookRefused) as refused:
        rail.receive(request)

    assert refused.value.code is ErrorCode.WEBHOOK_SIGNATURE_INVALID, why


async def test_a_known_certificate_that_has_lapsed_is_believed_no_more() -> None:
    lapses = datetime(2026, 6, 1, tzinfo=UTC)
    rail = _rail(certificates={CERTIFICATE_URL: chain(valid=(datetime(2020, 1, 1, tzinfo=UTC), lapses))})

    assert rail.receive(notice(CERTIFICATE_URL, at=lapses - timedelta(days=1)))
    with pytest.raises(WebhookRefused):
        rail.receive(notice(CERTIFICATE_URL, at=lapses + timedelta(days=1)))
    await rail.close()


async def test_forged_addresses_cost_a_bounded_number_of_fetches(double: PayPalDouble) -> None:
    asked: list[int] = []
    rail = _rail(guard=lambda: asked.append(1), certificate_origin=double.url, base_url=double.url)
    for number in range(MOST_FETCHES * 3):
        await rail.fetch_keys(notice(f"{double.url}/v1/notifications/certs/CERT-{number}"))
    await rail.close()

    assert len(asked) == MOST_FETCHES


async def test_another_webhook_s_notice_is_not_ours(double: PayPalDouble) -> None:
    rail = _rail(webhook_id="SOMEBODYELSES", certificates={CERTIFICATE_URL: chain()})
    with pytest.raises(WebhookRefused):
        rail.receive(notice(CERTIFICATE_URL))
    await rail.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("paypal-auth-algo", "SHA1withRSA"),
        ("paypal-transmission-id", "a|b"),
        ("paypal-transmission-time", "yesterday"),
        ("paypal-transmission-time", "2026-13-45T99:99:99Z"),
        ("paypal-transmission-sig", "A" * 3000),
        ("paypal-transmission-sig", "ünsigned"),
    ],
)
async def test_odd_headers_are_refused(name: str, value: str) -> None:
    rail = _rail(certificates={CERTIFICATE_URL: chain()})
    request = notice(CERTIFICATE_URL)
    with pytest.raises(WebhookRefused):
        rail.receive(replace(request, headers={**request.headers, name: value}))
    await rail.close()


async def test_a_signature_has_one_spelling() -> None:
    rail = _rail(certificates={CERTIFICATE_URL: chain()})
    request = notice(CERTIFICATE_URL)
    genuine = request.headers["paypal-transmission-sig"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = f"{genuine[:-3]}{letters[letters.index(genuine[-3]) + 1]}=="
    assert b64decode(other) == b64decode(genuine)

    with pytest.raises(WebhookRefused):
        rail.receive(replace(request, headers={**request.headers, "paypal-transmission-sig": other}))
    await rail.close()


@pytest.mark.parametrize(
    ("event", "status", "seen"),
    [
        ("SUCCEEDED", "SUCCESS", ObservedStatus.PAID),
        ("FAILED", "FAILED", ObservedStatus.FAILED),
        ("BLOCKED", "BLOCKED", ObservedStatus.PENDING),
        ("HELD", "ONHOLD", ObservedStatus.PENDING),
        ("UNCLAIMED", "UNCLAIMED", ObservedStatus.PENDING),
        ("RETURNED", "RETURNED", ObservedStatus.RETURNED),
        ("REFUNDED", "REFUNDED", ObservedStatus.RETURNED),
        ("CANCELED", "RETURNED", ObservedStatus.CANCELED),
    ],
)
async def test_an_item_s_notice_says_where_it_stands(
    rail: PayPalProvider, double: PayPalDouble, event: str, status: str, seen: ObservedStatus
) -> None:
    (observation,) = await told(rail, double, item_event("WH-2", event, _item(transaction_status=status)))

    assert (observation.status, observation.event_key) == (seen, "WH-2")


@pytest.mark.parametrize(
    ("event", "status", "seen"),
    [
        ("PROCESSING", "PROCESSING", ObservedStatus.PENDING),
        ("SUCCESS", "SUCCESS", ObservedStatus.PENDING),
        ("DENIED", "DENIED", ObservedStatus.FAILED),
    ],
)
async def test_a_batch_that_was_processed_is_not_paid_by_that(
    rail: PayPalProvider, double: PayPalDouble, event: str, status: str, seen: ObservedStatus
) -> None:
    header = {
        "payout_batch_id": "BATCH1",
        "batch_status": status,
        "sender_batch_header": {"sender_batch_id": KEY},
        "amount": {"currency": "USD", "value": "12.50"},
    }
    (observation,) = await told(rail, double, batch_event("WH-3", event, header))

    assert (observation.status, observation.rail_key, observation.amount) == (seen, KEY, NEWS.amount)
    assert observation.provider_reference == "BATCH1"


async def test_a_payout_of_somebody_else_on_the_same_account_is_none_of_ours(
    rail: PayPalProvider, double: PayPalDouble
) -> None:
    foreign = item_event("WH-4", "SUCCEEDED", _item(sender_batch_id="Payouts_2026_11"))
    unrelated = item_event("WH-5", "SUCCEEDED", _item()).replace(b"PAYMENT.PAYOUTS-ITEM.", b"PAYMENT.SALE.")

    assert await told(rail, double, foreign) == ()
    assert await told(rail, double, unrelated) == ()


@pytest.mark.parametrize(
    "amount",
    [{"currency": "USD", "value": "12.505"}, {"currency": "XXX", "value": "1"}, {"currency": "USD", "value": 12.5}],
)
async def test_an_amount_that_cannot_be_is_refused(
    rail: PayPalProvider, double: PayPalDouble, amount: dict[str, object]
) -> None:
    item = _item()
    item["payout_item"] = {**item["payout_item"], "amount": amount}

    with pytest.raises(WebhookRefused) as refused:
        await told(rail, double, item_event("WH-6", "SUCCEEDED", item))

    assert refused.value.code is ErrorCode.FIELD_INVALID


def test_live_certificates_come_from_paypal_alone() -> None:
    with pytest.raises(ConfigInvalid, match="certificate_origin"):
        _rail(environment=ProviderEnvironment.LIVE, certificate_origin="https://example.org")


def test_a_root_that_is_none_stops_the_start() -> None:
    with pytest.raises(ConfigInvalid, match="PEM"):
        _rail(trusted_roots="not a certificate")


async def test_without_roots_of_its_own_the_machine_s_are_used() -> None:
    rail = _rail(trusted_roots="", certificates={CERTIFICATE_URL: chain()})
    with pytest.raises(WebhookRefused, match="trusted root"):
        rail.receive(notice(CERTIFICATE_URL))
    await rail.close()


def _item(**changes: object) -> dict[str, object]:
    return {
        "payout_item_id": "ITEM1",
        "transaction_status": "SUCCESS",
        "payout_batch_id": "BATCH1",
        "sender_batch_id": KEY,
        "payout_item": {
            "recipient_type": "EMAIL",
            "amount": {"currency": "USD", "value": "12.50"},
            "receiver": "a@example.org",
            "sender_item_id": KEY,
        },
    } | changes


def _rail(*, environment: ProviderEnvironment = ProviderEnvironment.SANDBOX, guard=lambda: None, **settings: object):
    return PayPalProvider(
        ProviderContext(
            name="one",
            environment=environment,
            settings={"webhook_id": WEBHOOK_ID, "trusted_roots": root()} | settings,
            credentials={"client_id": Secret("c"), "client_secret": Secret("s")},
            assets={"USD": 2},
            http=HttpClient(guard=guard),
        )
    )
