"""Wise's notices beyond the contract: tests, other profiles, other events, keys, and what is compared."""

import json

import pytest

from rewardrails import clock
from rewardrails.domain.observation import Observation
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import ConfigInvalid, ErrorCode, WebhookRefused
from rewardrails.providers.wise.webhook import public_key_of, read_event
from rewardrails.testing.contract import SignedBy
from tests.vendors.wise.double import PROFILE, PUBLIC_KEY, WiseNotices

WHOLE_KEY = public_key_of(PUBLIC_KEY, provider="banks")


def read(data: dict[str, object], kind: str = "transfers#state-change", **headers: str) -> tuple[Observation, ...]:
    now = clock.now()
    told = {"event_type": kind, "schema_version": "2.0.0", "data": {"occurred_at": now.isoformat()} | data}
    body = json.dumps(told).encode()
    signed = dict(WiseNotices().sign(body, event="", at=now, by=SignedBy.VENDOR))
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return read_event(WebhookRequest(body=body, headers=signed | named, received_at=now), WHOLE_KEY, profile_id=PROFILE)


def a_transfer(**changes: object) -> dict[str, object]:
    return {"resource": {"type": "transfer", "id": 5, "profile_id": PROFILE} | changes, "current_state": "processing"}


def test_a_delivery_sent_again_under_another_id_is_the_same_event() -> None:
    at = clock.now().isoformat()
    (one,) = read(a_transfer() | {"occurred_at": at}, x_delivery_id="d-1")
    (again,) = read(a_transfer() | {"occurred_at": at}, x_delivery_id="d-2")
    (other,) = read(a_transfer(id=6) | {"occurred_at": at}, x_delivery_id="d-1")

    assert one.event_key == again.event_key != other.event_key
    assert (one.evidence.trace_id, again.evidence.trace_id) == ("d-1", "d-2")
    assert (one.provider_reference, other.provider_reference) == ("5", "6")


def test_a_failed_payout_names_its_transfer_without_a_resource() -> None:
    (seen,) = read({"transfer_id": 5, "profile_id": PROFILE}, "transfers#payout-failure")

    assert seen.provider_reference == "5"


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        (a_transfer(), {"x_test_notification": "true"}),
        (a_transfer(profile_id=PROFILE + 1), {}),
        (a_transfer(type="balance-account"), {}),
        ({}, {}),
        ({"transfer_id": 5, "profile_id": PROFILE + 1}, {}),
    ],
    ids=["a test", "another profile", "no transfer", "nothing", "a failed payout of another profile"],
)
def test_what_is_not_about_our_transfers_says_nothing(data: dict[str, object], headers: dict[str, str]) -> None:
    assert read(data, **headers) == ()


def test_a_test_notice_is_verified_as_any_other() -> None:
    body = b'{"event_type":"x","data":{"occurred_at":"2026-01-01T00:00:00Z"}}'
    forged = dict(WiseNotices().sign(body, event="", at=clock.now(), by=SignedBy.STRANGER))

    with pytest.raises(WebhookRefused) as refused:
        read_event(
            WebhookRequest(body=body, headers=forged | {"x-test-notification": "true"}, received_at=clock.now()),
            WHOLE_KEY,
            profile_id=PROFILE,
        )

    assert refused.value.code is ErrorCode.WEBHOOK_SIGNATURE_INVALID


def test_the_key_is_taken_with_and_without_its_frame() -> None:
    bare = "".join(line for line in PUBLIC_KEY.splitlines() if "-----" not in line)

    assert public_key_of(bare, provider="banks").public_numbers() == WHOLE_KEY.public_numbers()


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", PUBLIC_KEY[:-60]])
def test_a_key_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(ConfigInvalid, match="Wise publishes"):
        public_key_of(text, provider="banks")
