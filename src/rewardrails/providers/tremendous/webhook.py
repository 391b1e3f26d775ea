"""Tremendous' webhooks: HMAC-SHA256 of the raw body; they say that something happened, not what.

Source: https://developers.tremendous.com/docs/webhooks-1
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
from rewardrails.providers.tremendous.wire import EVENT, Event
from rewardrails.secrets import Secret

HEADER = "tremendous-webhook-signature"
SCHEME = "sha256="
REWARDS = "rewards"
# It resends for hours what was not answered, under the time at which it happened.
OLDEST = timedelta(hours=12)
NEWEST = timedelta(minutes=5)


def read_event(request: WebhookRequest, key: Secret) -> tuple[Observation, ...]:
    """The one hint in a delivery, none where it speaks of no reward; raises `WebhookRefused` for what is forged or old."""
    expected = SCHEME + hmac.new(key.reveal().encode(), request.body, hashlib.sha256).hexdigest()
    given = request.headers.get(HEADER, "")
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise WebhookRefused(
            "the webhook's signature does not hold: check that the credential webhook_private_key is the one Tremendous shows",
            code=ErrorCode.WEBHOOK_SIGNATURE_INVALID,
        )
    event, happened_at = _read(request.body)
    age = request.received_at - happened_at
    if not -NEWEST <= age <= OLDEST:
        raise WebhookRefused(
            f"webhook {event.uuid} tells of something {age.total_seconds():.0f} s ago: check both clocks",
            code=ErrorCode.WEBHOOK_STALE,
        )
    if event.payload.resource.type != REWARDS:
        return ()
    return (
        Observation(
            status=ObservedStatus.UNKNOWN,
            provider_reference=event.payload.resource.id,
            event_key=event.uuid,
            evidence=Evidence(provider_status=event.event, trace_id=event.uuid, body=request.body),
        ),
    )


def _read(body: bytes) -> tuple[Event, datetime]:
    try:
        event = strict_json.decode(EVENT, body)
        happened_at = datetime.fromisoformat(event.created_utc)
    except (msgspec.DecodeError, ValueError) as error:
        raise WebhookRefused(
            "the webhook is genuine but not an event we know: compare it with the provider's API version",
            code=ErrorCode.FIELD_INVALID,
        ) from error
    return event, happened_at if happened_at.tzinfo else happened_at.replace(tzinfo=UTC)
