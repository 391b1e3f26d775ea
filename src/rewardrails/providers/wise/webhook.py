"""Wise's webhooks: RSA-SHA256 of the raw body; they say that something happened to a transfer, and it is asked what.

Source: https://docs.wise.com/guides/developer/webhooks/event-handling
"""

import binascii
import hashlib
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import ConfigInvalid, ErrorCode, WebhookRefused
from rewardrails.providers import strict_json
from rewardrails.providers.wise.wire import EVENT, Event, Resource

SIGNATURE = "x-signature-sha256"
DELIVERY = "x-delivery-id"
TEST = "x-test-notification"
TRANSFER = "transfer"
MIN_KEY_BITS = 2048
MAX_DELIVERY_ID = 100
# It resends for two weeks what was not answered, under the time at which it happened; asking finds what is older.
OLDEST = timedelta(hours=12)
NEWEST = timedelta(minutes=5)


def public_key_of(text: str, *, provider: str) -> RSAPublicKey:
    """Wise's key as it publishes it, with or without its PEM frame; raises `ConfigInvalid` for what is none."""
    lines = [line.strip() for line in text.splitlines() if not line.strip().startswith("-----")]
    try:
        key = load_der_public_key(b64decode("".join(lines), validate=True))
    except ValueError as error:
        raise _no_key(provider) from error
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_KEY_BITS:
        raise _no_key(provider)
    return key


def read_event(request: WebhookRequest, key: RSAPublicKey, *, profile_id: int) -> tuple[Observation, ...]:
    """The one hint in a delivery; none in a test, or where it speaks of no transfer or of another profile.

    Raises `WebhookRefused` for what is forged or old.
    """
    _verify(request, key)
    if request.headers.get(TEST, "").lower() == "true":
        return ()
    event, happened_at = _read(request.body)
    age = request.received_at - happened_at
    if not -NEWEST <= age <= OLDEST:
        raise WebhookRefused(
            f"a webhook tells of something {age.total_seconds():.0f} s ago: check both clocks",
            code=ErrorCode.WEBHOOK_STALE,
        )
    subject = _subject(event)
    if subject.type != TRANSFER or subject.profile_id not in (None, profile_id):
        return ()
    delivery = request.headers.get(DELIVERY, "")[:MAX_DELIVERY_ID]
    return (
        Observation(
            status=ObservedStatus.UNKNOWN,
            provider_reference=str(subject.id),
            # The delivery's id is not signed and may differ when it is sent again; what is signed does not.
            event_key=hashlib.sha256(request.body).hexdigest(),
            evidence=Evidence(
                provider_status=event.data.current_state or event.event_type,
                trace_id=delivery if delivery.isprintable() else "",
                body=request.body,
            ),
        ),
    )


def _verify(request: WebhookRequest, key: RSAPublicKey) -> None:
    given = request.headers.get(SIGNATURE, "")
    try:
        signature = b64decode(given, validate=True)
        key.verify(signature, request.body, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise _forged() from error
    if b64encode(signature).decode() != given:  # the last letter of base64 has bits that mean nothing
        raise _forged()


def _read(body: bytes) -> tuple[Event, datetime]:
    try:
        event = strict_json.decode(EVENT, body)
        happened_at = datetime.fromisoformat(event.data.occurred_at)
    except (msgspec.DecodeError, ValueError) as error:
        raise WebhookRefused(
            "the webhook is genuine but not an event we know: compare its schema version with 2.0.0 and 4.0.0",
            code=ErrorCode.FIELD_INVALID,
        ) from error
    return event, happened_at if happened_at.tzinfo else happened_at.replace(tzinfo=UTC)


def _subject(event: Event) -> Resource:
    data = event.data
    if data.resource is not None:
        return data.resource
    if data.transfer_id is not None:
        return Resource(id=data.transfer_id, type=TRANSFER, profile_id=data.profile_id)
    return Resource(id="", type="")


def _forged() -> WebhookRefused:
    return WebhookRefused(
        "the webhook's signature does not hold: check that webhook_public_key is the one Wise publishes for this environment",
        code=ErrorCode.WEBHOOK_SIGNATURE_INVALID,
    )


def _no_key(provider: str) -> ConfigInvalid:
    return ConfigInvalid(
        f"provider {provider!r} needs the RSA key that Wise publishes for its environment",
        field=f"providers.{provider}.settings.webhook_public_key",
    )
