"""Deliveries of the fake provider: genuine and readable, or refused."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import ErrorCode, WebhookRefused
from rewardrails.providers.fake.webhook import read_event
from rewardrails.providers.signatures import StandardWebhook
from rewardrails.secrets import Secret

SECRET = f"whsec_{b64encode(bytes(range(32))).decode()}"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EVENT = (
    '{"id":"evt_1","type":"payout.paid","livemode":false,"data":{"id":"po_1","reference":"r-1","status":"paid",'
    '"amount":"12.50","asset":"USD","destination":{"kind":"iban","value":"DE89","memo":""},"fee":"0.00",'
    '"failure_code":"","livemode":false,"created_at":"2026-03-01T12:00:00Z"}}'
)


def delivery(body: str) -> WebhookRequest:
    signature = Webhook(SECRET).sign("evt_1", NOW, body)
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": signature,
    }
    return WebhookRequest(body=body.encode(), headers=headers, received_at=NOW)


def read(body: str) -> ObservedStatus:
    (seen,) = read_event(delivery(body), StandardWebhook(Secret(SECRET)), {"USD": 2})
    assert seen.event_key == "evt_1"
    assert seen.evidence.body == body.encode()
    return seen.status


def test_a_genuine_event_is_read() -> None:
    assert read(EVENT) is ObservedStatus.PAID


def test_members_we_do_not_know_are_ignored_and_statuses_we_do_not_know_are_unknown() -> None:
    assert read(EVENT.replace('"id":"evt_1"', '"id":"evt_1","new":1')) is ObservedStatus.PAID
    assert read(EVENT.replace('"paid"', '"vanished"')) is ObservedStatus.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{}",
        EVENT[:-1],
        EVENT + "}",
        EVENT.replace('"12.50"', "12.50"),
        EVENT.replace('"12.50"', '"12.505"'),
        EVENT.replace('"12.50"', '"-12.50"'),
        EVENT.replace('"USD"', '"XXX"'),
        EVENT.replace('"r-1"', '""'),
        EVENT.replace('"r-1"', f'"{"r" * 300}"'),
        EVENT.replace('"livemode":false,"created', '"livemode":"false","created'),
        "[" * 100_000,
        EVENT.replace('"amount":', '"amount":"9.99","amount":'),
        EVENT.replace('"amount":', '"am\\u006funt":"9.99","amount":'),
        EVENT.replace('"id":"evt_1"', '"id":"evt_1","x":1,"x":2'),
        EVENT.replace('"id":"evt_1"', f'"id":"evt_1","x":{"[" * 5_000}{"]" * 5_000}'),
        EVENT.replace('"po_1"', '"po_\\u0000"'),
        EVENT.replace('"failure_code":""', '"failure_code":"\\u0000"'),
    ],
)
def test_a_genuine_delivery_that_is_no_event_is_refused_by_name(body: str) -> None:
    with pytest.raises(WebhookRefused) as caught:
        read(body)

    assert caught.value.code is ErrorCode.FIELD_INVALID


@pytest.mark.promise("G4")
def test_the_signature_is_checked_before_anything_is_parsed() -> None:
    forged = WebhookRequest(body=b"[" * 100_000, headers=delivery(EVENT).headers, received_at=NOW)

    with pytest.raises(WebhookRefused) as caught:
        read_event(forged, StandardWebhook(Secret(SECRET)), {"USD": 2})

    assert caught.value.code is ErrorCode.WEBHOOK_SIGNATURE_INVALID
