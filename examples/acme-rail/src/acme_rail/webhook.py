"""Acme's notices: `acme-signature: t=<seconds>,sig=<hex>`, an HMAC-SHA256 over `<seconds>.<body>`."""

import hashlib
import hmac
import re

import msgspec

from acme_rail.mapping import observation_of
from acme_rail.wire import NOTICE
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.observation import Observation
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import ErrorCode, WebhookRefused
from rewardrails.providers import strict_json
from rewardrails.secrets import Secret

TOLERANCE_SECONDS = 300
HEADER = "acme-signature"
_signature = re.compile(r"t=([0-9]{1,12}),sig=([0-9a-f]{64})", re.ASCII).fullmatch


def signature(secret: str, seconds: int, body: bytes) -> str:
    """The header's text."""
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},sig={digest}"


def read_notice(request: WebhookRequest, secret: Secret) -> tuple[Observation, ...]:
    """The one observation in a notice; raises `WebhookRefused` for what is forged, stale or unreadable."""
    given = request.headers.get(HEADER, "")
    found = _signature(given)
    if found is None or not hmac.compare_digest(signature(secret.reveal(), int(found[1]), request.body), given):
        raise WebhookRefused(
            "the notice's signature does not hold: check that both sides have the same secret",
            code=ErrorCode.WEBHOOK_SIGNATURE_INVALID,
        )
    if abs(request.received_at.timestamp() - int(found[1])) > TOLERANCE_SECONDS:
        raise WebhookRefused("the notice was not signed just now: check both clocks", code=ErrorCode.WEBHOOK_STALE)
    try:
        notice = strict_json.decode(NOTICE, request.body)
    except msgspec.DecodeError as error:
        raise WebhookRefused(
            "the notice is genuine but not one we know: compare it with Acme's API version",
            code=ErrorCode.FIELD_INVALID,
        ) from error
    evidence = Evidence(provider_status=notice.transfer.state, provider_code=notice.transfer.reason, body=request.body)
    return (observation_of(notice.transfer, evidence, event_key=notice.event),)
