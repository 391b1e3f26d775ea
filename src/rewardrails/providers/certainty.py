"""The certainty line, shared by adapters: which transport failures and HTTP statuses prove that nothing was done.

What a 2xx or a documented 4xx means is the adapter's own table; these helpers answer for everything else.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import assert_never

from rewardrails import clock
from rewardrails.domain.evidence import Evidence
from rewardrails.domain.observation import CannotTell
from rewardrails.domain.outcome import OutcomeUnknown, Rejected, RejectionScope
from rewardrails.errors import ErrorCode
from rewardrails.providers.http import HttpReply, MaybeSent, NeverSent

MAX_RETRY_AFTER_SECONDS = 86_400.0
UNCERTAIN_STATUSES = frozenset({408, 409, 421, 425})
AUTH_STATUSES = frozenset({401, 403})
TOO_MANY_REQUESTS = 429
FIRST_REFUSAL = 400
FIRST_SERVER_ERROR = 500


def of_error(error: NeverSent | MaybeSent) -> Rejected | OutcomeUnknown:
    """A failure of the transport as an outcome: only one before the first byte is a certain refusal."""
    evidence = _transport_evidence(error)
    match error:
        case NeverSent():
            return _refused_by_provider(ErrorCode.PROVIDER_UNAVAILABLE, evidence)
        case MaybeSent():
            return OutcomeUnknown(evidence=evidence)
        case _:
            assert_never(error)


def of_status(
    reply: HttpReply, evidence: Evidence, *, documented_auth_refusals: frozenset[int] = frozenset()
) -> Rejected | OutcomeUnknown | None:
    """An answer as an outcome by its status alone; None leaves a 200, 201, 204 or documented 4xx to the adapter.

    `documented_auth_refusals` are those of 401 and 403 of which the provider documents that nothing was done.
    """
    status = reply.status
    if status == TOO_MANY_REQUESTS:
        wait_seconds = retry_after_seconds(reply, clock.now())
        return _refused_by_provider(ErrorCode.PROVIDER_RATE_LIMITED, evidence, wait_seconds)
    if status in AUTH_STATUSES & documented_auth_refusals:
        return _refused_by_provider(ErrorCode.PROVIDER_AUTH_FAILED, evidence)
    if status in UNCERTAIN_STATUSES | AUTH_STATUSES or status >= FIRST_SERVER_ERROR:
        return OutcomeUnknown(evidence=evidence)
    if status in {200, 201, 204} or status >= FIRST_REFUSAL:
        return None
    return OutcomeUnknown(evidence=evidence)


def cannot_ask(error: NeverSent | MaybeSent) -> CannotTell:
    """A lookup that got no answer; asking changes nothing, so both sides of the line are the same."""
    return CannotTell(code=ErrorCode.PROVIDER_UNAVAILABLE, evidence=_transport_evidence(error))


def cannot_tell(reply: HttpReply, evidence: Evidence) -> CannotTell:
    """A lookup whose answer is no answer. A 404 is none either: it may be a moved route, and proves no absence."""
    match reply.status:
        case 429:
            return CannotTell(code=ErrorCode.PROVIDER_RATE_LIMITED, evidence=evidence)
        case 401 | 403:
            return CannotTell(code=ErrorCode.PROVIDER_AUTH_FAILED, evidence=evidence)
        case status if status >= FIRST_SERVER_ERROR:
            return CannotTell(code=ErrorCode.PROVIDER_UNAVAILABLE, evidence=evidence)
        case _:
            return CannotTell(code=ErrorCode.OUTCOME_UNKNOWN, evidence=evidence)


def retry_after_seconds(reply: HttpReply, now: datetime) -> float | None:
    """`Retry-After` in seconds from `now`, given as a number or as an HTTP date; None when absent or unreadable."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), MAX_RETRY_AFTER_SECONDS)
    try:
        at = parsedate_to_datetime(text)
        wait = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, wait), MAX_RETRY_AFTER_SECONDS)


def evidence_of(reply: HttpReply, *, provider_status: str = "", provider_code: str = "", message: str = "") -> Evidence:
    """An answer kept as evidence."""
    return Evidence(
        provider_status=provider_status,
        provider_code=provider_code,
        message=message,
        trace_id=reply.headers.get("x-request-id", ""),
        http_status=reply.status,
        body=reply.body,
    )


def _transport_evidence(error: NeverSent | MaybeSent) -> Evidence:
    return Evidence(provider_code=f"transport:{error.reason}")


def _refused_by_provider(code: ErrorCode, evidence: Evidence, wait_seconds: float | None = None) -> Rejected:
    return Rejected(
        code=code,
        retryable=True,
        scope=RejectionScope.PROVIDER,
        retry_after_seconds=wait_seconds,
        evidence=evidence,
    )
