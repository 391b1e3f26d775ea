"""Stripe's thin events: signed with HMAC-SHA256; they say that something happened to an intent, and it is asked what.

Source: https://docs.stripe.com/webhooks#verify-manually
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import msgspec

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import ErrorCode, WebhookRefused
from rewardrails.providers import strict_json
from rewardrails.providers.stripe.wire import EVENT, Event
from rewardrails.secrets import Secret

SIGNATURE = "stripe-signature"
SCHEME = "v1"
INTENT = "v2.money_management.payout_intent"
TOLERANCE = timedelta(seconds=300)
MOST_DIGITS = 12
MOST_PARTS = 20


def read_event(request: WebhookRequest, secret: Secret, *, live: bool) -> tuple[Observation, ...]:
    """The one hint in a delivery; none where it speaks of something else. Raises `WebhookRefused` for forged or old."""
    signed_at = _verify(request, secret)
    age = request.received_at - signed_at
    if abs(age) > TOLERANCE:
        raise WebhookRefused(
            f"a webhook was signed {age.total_seconds():.0f} s ago: check both clocks", code=ErrorCode.WEBHOOK_STALE
        )
    event = _read(request.body)
    subject = event.related_object
    if event.livemode is not live or subject is None or subject.type != INTENT:
        return ()
    return (
        Observation(
            status=ObservedStatus.UNKNOWN,
            provider_reference=subject.id,
            event_key=event.id,
            live=event.livemode,
            evidence=Evidence(provider_status=event.type, body=request.body),
        ),
    )


def _verify(request: WebhookRequest, secret: Secret) -> datetime:
    parts = [part.partition("=") for part in request.headers.get(SIGNATURE, "").split(",")[:MOST_PARTS]]
    times = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == SCHEME]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()) or len(times[0]) > MOST_DIGITS:
        raise _forged()
    signed = times[0].encode() + b"." + request.body
    wanted = hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest().encode()
    if not any(hmac.compare_digest(wanted, one.encode()) for one in given):
        raise _forged()
    try:
        return datetime.fromtimestamp(int(times[0]), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _forged() from error


def _read(body: bytes) -> Event:
    try:
        return strict_json.decode(EVENT, body)
    except msgspec.DecodeError as error:
        raise WebhookRefused(
            "the webhook is genuine but no thin event: choose payload style thin for the event destination",
            code=ErrorCode.FIELD_INVALID,
        ) from error


def _forged() -> WebhookRefused:
    return WebhookRefused(
        "the webhook's signature does not hold: check that webhook_secret is the one of this event destination",
        code=ErrorCode.WEBHOOK_SIGNATURE_INVALID,
    )
