"""The fake provider's webhooks: Standard Webhooks signature first, then strict JSON."""

from collections.abc import Mapping

import msgspec

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.observation import Observation
from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import AmountInvalid, ErrorCode, WebhookRefused
from rewardrails.providers import strict_json
from rewardrails.providers.fake.mapping import observation_of
from rewardrails.providers.fake.wire import EVENT
from rewardrails.providers.signatures import StandardWebhook


def read_event(request: WebhookRequest, verifier: StandardWebhook, exponents: Mapping[str, int]) -> tuple[Observation]:
    """The one observation in a delivery; raises `WebhookRefused` for what is forged, stale or unreadable."""
    event_id = verifier.verify(request)
    try:
        event = strict_json.decode(EVENT, request.body)
        evidence = Evidence(
            provider_status=event.data.status,
            provider_code=event.data.failure_code,
            trace_id=event_id,
            body=request.body,
        )
        return (observation_of(event.data, exponents, evidence, event_key=event_id),)
    except (msgspec.DecodeError, AmountInvalid) as error:
        raise WebhookRefused(
            f"webhook {event_id} is genuine but not an event we know: compare it with the provider's API version",
            code=ErrorCode.FIELD_INVALID,
        ) from error
