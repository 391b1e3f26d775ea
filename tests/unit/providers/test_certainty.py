"""Which answers and failures prove that nothing was done."""

from datetime import UTC, datetime, timedelta

import pytest

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.outcome import OutcomeUnknown, Rejected, RejectionScope
from rewardrails.errors import ErrorCode
from rewardrails.providers import certainty
from rewardrails.providers.http import HttpReply, MaybeSent, MaybeSentReason, NeverSent, NeverSentReason

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def reply(status: int, **headers: str) -> HttpReply:
    return HttpReply(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=b""
    )


@pytest.mark.promise("G1")
@pytest.mark.incident("I9")
@pytest.mark.parametrize("reason", list(NeverSentReason))
def test_what_was_never_sent_is_refused_for_certain(reason: NeverSentReason) -> None:
    outcome = certainty.of_error(NeverSent(reason))

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.retryable, outcome.scope) == (
        ErrorCode.PROVIDER_UNAVAILABLE,
        True,
        RejectionScope.PROVIDER,
    )


@pytest.mark.promise("G1")
@pytest.mark.incident("I9", "I15")
@pytest.mark.parametrize("reason", list(MaybeSentReason))
def test_what_may_have_been_sent_is_unknown(reason: MaybeSentReason) -> None:
    assert isinstance(certainty.of_error(MaybeSent(reason)), OutcomeUnknown)


@pytest.mark.promise("G1")
@pytest.mark.incident("I15", "I27")
@pytest.mark.parametrize(
    "status", [100, 199, 202, 203, 206, 299, *range(300, 309), 401, 403, 408, 409, 421, 425, *range(500, 512), 599, 999]
)
def test_undocumented_statuses_are_unknown(status: int) -> None:
    assert isinstance(certainty.of_status(reply(status), Evidence()), OutcomeUnknown)


@pytest.mark.parametrize("status", [200, 201, 204, 400, 402, 404, 410, 422])
def test_answers_and_documented_refusals_are_left_to_the_adapter(status: int) -> None:
    assert certainty.of_status(reply(status), Evidence()) is None


@pytest.mark.parametrize("status", [401, 403])
def test_an_authentication_failure_is_certain_only_where_documented(status: int) -> None:
    outcome = certainty.of_status(reply(status), Evidence(), documented_auth_refusals=frozenset({status}))

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.scope, outcome.retryable) == (
        ErrorCode.PROVIDER_AUTH_FAILED,
        RejectionScope.PROVIDER,
        True,
    )


def test_429_refuses_for_the_provider_and_says_when_to_come_back() -> None:
    outcome = certainty.of_status(reply(429, retry_after="7"), Evidence())

    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.scope, outcome.retryable, outcome.retry_after_seconds) == (
        ErrorCode.PROVIDER_RATE_LIMITED,
        RejectionScope.PROVIDER,
        True,
        7.0,
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 3 ", 3.0),
        ("99999999999", certainty.MAX_RETRY_AFTER_SECONDS),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Mon, 01 Mar 2088 12:00:00 GMT", certainty.MAX_RETRY_AFTER_SECONDS),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Sun, 99 Foo 2026", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(text: str, seconds: float | None) -> None:
    assert certainty.retry_after_seconds(reply(429, retry_after=text), NOW) == seconds


def test_retry_after_may_be_missing() -> None:
    assert certainty.retry_after_seconds(reply(429), NOW) is None


@pytest.mark.promise("G1")
@pytest.mark.incident("I1")
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, ErrorCode.OUTCOME_UNKNOWN),
        (401, ErrorCode.PROVIDER_AUTH_FAILED),
        (429, ErrorCode.PROVIDER_RATE_LIMITED),
        (503, ErrorCode.PROVIDER_UNAVAILABLE),
        (302, ErrorCode.OUTCOME_UNKNOWN),
    ],
)
def test_a_lookup_without_an_answer_proves_nothing(status: int, code: ErrorCode) -> None:
    assert certainty.cannot_tell(reply(status), Evidence()).code is code


@pytest.mark.promise("G6")
def test_evidence_keeps_body_and_trace_and_stays_out_of_repr() -> None:
    answer = HttpReply(status=500, headers={"x-request-id": "r-1"}, body=b"canary")

    evidence = certainty.evidence_of(answer, provider_code="broken", message="canary")

    assert (evidence.http_status, evidence.trace_id, evidence.body) == (500, "r-1", b"canary")
    assert "canary" not in repr(evidence) + repr(answer)


def test_dates_far_ahead_are_capped_not_trusted() -> None:
    far = (NOW + timedelta(days=3)).strftime("%a, %d %b %Y %H:%M:%S GMT")

    assert certainty.retry_after_seconds(reply(429, retry_after=far), NOW) == certainty.MAX_RETRY_AFTER_SECONDS
