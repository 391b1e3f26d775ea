"""Stripe's thin events: signed, fresh, of this environment, and only a reason to ask."""

from datetime import UTC, datetime

import pytest

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import ErrorCode, WebhookRefused
from rewardrails.providers.stripe.webhook import read_event
from rewardrails.secrets import Secret
from rewardrails.testing.contract import News, SignedBy
from tests.vendors.stripe.double import WEBHOOK_SECRET, StripeNotices
from tests.vendors.stripe.test_steps import ORDER

SIGNED_AT = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


def delivery(*, seconds_later: float = 0, about: str = "payout_intent", **changed: str) -> WebhookRequest:
    news = News(
        event="one",
        at=SIGNED_AT,
        status=ObservedStatus.PAID,
        rail_key="",
        provider_reference="pi_test_00001",
        amount=ORDER.amount,
        destination=ORDER.destination,
    )
    hand = StripeNotices(about=about)
    body = hand.write(news)
    headers = dict(hand.sign(body, event="one", at=SIGNED_AT, by=SignedBy.VENDOR)) | changed
    received = datetime.fromtimestamp(SIGNED_AT.timestamp() + seconds_later, UTC)
    return WebhookRequest(body=body, headers=headers, received_at=received)


def read(request: WebhookRequest, *, live: bool = False):
    return read_event(request, Secret(WEBHOOK_SECRET), live=live)


def test_a_thin_event_is_a_reason_to_ask_and_no_more():
    (told,) = read(delivery())

    assert (told.status, told.provider_reference, told.event_key) == (
        ObservedStatus.UNKNOWN,
        "pi_test_00001",
        "evt_one",
    )


@pytest.mark.parametrize("seconds", [301, -301])
def test_a_signature_of_another_time_is_stale(seconds):
    with pytest.raises(WebhookRefused) as refused:
        read(delivery(seconds_later=seconds))

    assert refused.value.code is ErrorCode.WEBHOOK_STALE


@pytest.mark.parametrize("header", ["", "t=1", "v1=00", "t=1,t=2,v1=00", "t=x,v1=00", "t=99999999999999,v1=00"])
def test_a_header_that_proves_nothing_is_refused(header):
    with pytest.raises(WebhookRefused) as refused:
        read(delivery(**{"stripe-signature": header}))

    assert refused.value.code is ErrorCode.WEBHOOK_SIGNATURE_INVALID


def test_an_event_of_the_other_environment_has_no_effect():
    assert read(delivery(), live=True) == ()


def test_an_event_about_the_payment_itself_is_genuine_and_says_nothing_of_an_attempt():
    assert read(delivery(about="outbound_payment")) == ()
