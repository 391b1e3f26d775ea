"""PayPal's notices: RSA over transmission id, time, our webhook's id and the CRC-32 of the raw body.

Source: https://developer.paypal.com/api/rest/webhooks/rest/
"""

import re
import zlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.order import AttemptRef
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import AmountInvalid, ErrorCode, WebhookRefused
from rewardrails.providers import strict_json
from rewardrails.providers.paypal import wire
from rewardrails.providers.paypal.certificates import Certificates
from rewardrails.providers.paypal.mapping import observation_of_batch, observation_of_item
from rewardrails.providers.paypal.words import PROCESSED

ALGORITHM = "SHA256withRSA"
ITEM_EVENTS = "PAYMENT.PAYOUTS-ITEM."
BATCH_EVENTS = "PAYMENT.PAYOUTSBATCH."
CANCELED = "PAYMENT.PAYOUTS-ITEM.CANCELED"
# It resends for three days what was not answered; what is refused here is found by asking.
OLDEST = timedelta(hours=12)
NEWEST = timedelta(minutes=5)
MAX_SIGNATURE_HEADER = 2_000
# No bar: it separates the signed parts, so one in them could move the borders.
_ID = re.compile(r"[A-Za-z0-9-]{1,100}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What the headers say; not believed yet."""

    transmission_id: str
    time: str
    signature: bytes
    certificate_url: str


def read_signed(request: WebhookRequest) -> Signed:
    """The headers' words; raises `WebhookRefused` where one is missing, odd or too old."""
    transmission_id, time, algorithm, url, signature = (
        request.headers.get(f"paypal-{name}", "")
        for name in ("transmission-id", "transmission-time", "auth-algo", "cert-url", "transmission-sig")
    )
    decoded = _decoded(signature)
    if not _ID.fullmatch(transmission_id) or not _TIME.fullmatch(time) or algorithm != ALGORITHM or decoded is None:
        raise _forged()
    _refuse_stale(time, request.received_at)
    return Signed(transmission_id=transmission_id, time=time, signature=decoded, certificate_url=url)


def read_notice(
    request: WebhookRequest, webhook_id: str, certificates: Certificates, exponents: Mapping[str, int]
) -> tuple[Observation, ...]:
    """What a delivery says, nothing where it is about no payout of ours; raises `WebhookRefused` for forged and old ones."""
    signed = read_signed(request)
    key = certificates.key_of(signed.certificate_url, request.received_at)
    said = f"{signed.transmission_id}|{signed.time}|{webhook_id}|{zlib.crc32(request.body)}"
    try:
        key.verify(signed.signature, said.encode(), PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise _forged() from error
    try:
        seen = _read(request.body, exponents)
    except (msgspec.DecodeError, AmountInvalid) as error:
        raise WebhookRefused(
            "the webhook is genuine but not an event we know: compare it with the provider's API version",
            code=ErrorCode.FIELD_INVALID,
        ) from error
    is_foreign = seen is not None and seen.rail_key and AttemptRef.parse(seen.rail_key) is None
    return () if seen is None or is_foreign else (seen,)


def _read(body: bytes, exponents: Mapping[str, int]) -> Observation | None:
    event = strict_json.decode(wire.EVENT, body)
    evidence = Evidence(provider_status=event.event_type, trace_id=event.id, body=body)
    if event.event_type.startswith(ITEM_EVENTS):
        item = wire.ITEM_EVENT.decode(body).resource
        evidence = replace(
            evidence,
            provider_status=f"{event.event_type} {item.transaction_status}",
            provider_code=item.errors.name if item.errors is not None else "",
        )
        seen = observation_of_item(item, exponents, evidence)
        if event.event_type == CANCELED and seen.status is ObservedStatus.RETURNED:
            seen = replace(seen, status=ObservedStatus.CANCELED)
    elif event.event_type.startswith(BATCH_EVENTS):
        batch = wire.BATCH_EVENT.decode(body).resource
        seen = observation_of_batch(batch, exponents, evidence)
        if batch.batch_header.batch_status == PROCESSED:  # its item says, in a notice of its own
            seen = replace(seen, status=ObservedStatus.PENDING)
    else:
        return None
    return replace(seen, event_key=event.id)


def _refuse_stale(time: str, received_at: datetime) -> None:
    try:
        signed_at = datetime.fromisoformat(time).astimezone(UTC)
    except ValueError as error:
        raise _forged() from error
    age = received_at - signed_at
    if not -NEWEST <= age <= OLDEST:
        raise WebhookRefused(
            f"the webhook was signed {age.total_seconds():.0f} s before it came: check both clocks",
            code=ErrorCode.WEBHOOK_STALE,
        )


def _decoded(signature: str) -> bytes | None:
    """The bytes of a signature that is written in the one right way; None for every other."""
    try:
        decoded = b64decode(signature, validate=True) if len(signature) <= MAX_SIGNATURE_HEADER else b""
    except (Base64Error, ValueError):
        return None
    return decoded if decoded and b64encode(decoded).decode() == signature else None


def _forged() -> WebhookRefused:
    return WebhookRefused(
        "the webhook's signature does not hold: check that the setting webhook_id is the one PayPal shows",
        code=ErrorCode.WEBHOOK_SIGNATURE_INVALID,
    )
