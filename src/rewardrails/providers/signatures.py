"""Proof that a webhook is genuine: Standard Webhooks (HMAC-SHA256 over id, timestamp and raw body).

Our own few lines instead of the official library's, because that one reads the system's clock, decodes the body before
it is trusted and fails untyped on hostile headers; the tests hold both against each other.
Specification: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import ErrorCode, WebhookRefused
from rewardrails.secrets import Secret

TOLERANCE_SECONDS = 300
MIN_KEY_BYTES = 24
MAX_SIGNATURES = 10
MAX_SIGNATURE_HEADER = 2_000
SECRET_PREFIX = "whsec_"  # noqa: S105 - the scheme's public prefix
# No dot: it separates the signed parts, so one in the id could move the borders.
_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class StandardWebhook:
    """Verifies deliveries signed with one secret; raises `ValueError` for a secret too weak to mean anything."""

    def __init__(self, secret: Secret, *, tolerance_seconds: int = TOLERANCE_SECONDS) -> None:
        try:
            self._key = b64decode(secret.reveal().removeprefix(SECRET_PREFIX), validate=True)
        except (Base64Error, ValueError) as error:
            raise ValueError("a webhook secret is base64, as in whsec_...") from error
        if len(self._key) < MIN_KEY_BYTES:
            raise ValueError(f"a webhook secret holds at least {MIN_KEY_BYTES} bytes")
        self._tolerance_seconds = tolerance_seconds

    def verify(self, request: WebhookRequest) -> str:
        """The delivery's id, once its signature and its age hold.

        Raises `WebhookRefused`: `webhook_signature_invalid`, or `webhook_stale` for one too old or too far ahead.
        """
        event_id = request.headers.get("webhook-id", "")
        timestamp = request.headers.get("webhook-timestamp", "")
        if not _ID.fullmatch(event_id) or not _TIMESTAMP.fullmatch(timestamp):
            raise _forged()
        expected = b"v1," + self._sign(event_id, timestamp, request.body)
        if not _holds(expected, request.headers.get("webhook-signature", "")):
            raise _forged()
        age_seconds = request.received_at.timestamp() - int(timestamp)
        if abs(age_seconds) > self._tolerance_seconds:
            raise WebhookRefused(
                f"webhook {event_id} was signed {age_seconds:.0f} s before it came: check both clocks",
                code=ErrorCode.WEBHOOK_STALE,
            )
        return event_id

    def _sign(self, event_id: str, timestamp: str, body: bytes) -> bytes:
        signed = f"{event_id}.{timestamp}.".encode() + body
        return b64encode(hmac.new(self._key, signed, hashlib.sha256).digest())


def _holds(expected: bytes, header: str) -> bool:
    """Whether one of the header's signatures is the expected one; compared whole and in constant time."""
    if len(header) > MAX_SIGNATURE_HEADER:
        return False
    candidates = header.encode("utf-8", "replace").split(b" ")[:MAX_SIGNATURES]
    return sum(hmac.compare_digest(expected, candidate) for candidate in candidates) > 0


def _forged() -> WebhookRefused:
    return WebhookRefused(
        "the webhook's id, timestamp or signature does not hold: check that both sides have the same secret",
        code=ErrorCode.WEBHOOK_SIGNATURE_INVALID,
    )
