"""Webhook signatures against the scheme's official library, and against forgers."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from rewardrails.domain.webhook import WebhookRequest
from rewardrails.errors import ErrorCode, WebhookRefused
from rewardrails.providers.signatures import TOLERANCE_SECONDS, StandardWebhook
from rewardrails.secrets import Secret
from rewardrails.testing.mutants import Genuine, mutants, standard_webhook

KEY = bytes(range(32))
SECRET = f"whsec_{b64encode(KEY).decode()}"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BODY = b'{"type":"payout.paid","amount":"12.50"}'
FORGED_MUTANTS = 2_000


def signed(body: bytes = BODY, *, at: datetime = NOW, secret: str = SECRET, event_id: str = "evt_1") -> WebhookRequest:
    """A delivery signed by the official library."""
    signature = Webhook(secret).sign(event_id, at, body.decode())
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    return WebhookRequest(body=body, headers=headers, received_at=NOW)


def with_header(request: WebhookRequest, name: str, value: str) -> WebhookRequest:
    return replace(request, headers={**request.headers, name: value})


def refusal(request: WebhookRequest) -> ErrorCode:
    with pytest.raises(WebhookRefused) as caught:
        verifier().verify(request)
    return caught.value.code


def verifier() -> StandardWebhook:
    return StandardWebhook(Secret(SECRET))


@pytest.mark.parametrize("body", [BODY, b"", b"{}", "ünïcödé €".encode(), b"x" * 100_000])
def test_what_the_official_library_signs_is_believed(body: bytes) -> None:
    assert verifier().verify(signed(body)) == "evt_1"


def test_one_good_signature_among_others_is_enough() -> None:
    request = signed()
    signature = request.headers["webhook-signature"]

    assert verifier().verify(with_header(request, "webhook-signature", f"v1a,xyz v1,AAAA {signature}")) == "evt_1"


@pytest.mark.promise("G4")
@pytest.mark.incident("I23")
@pytest.mark.parametrize(
    "forge",
    [
        lambda r: replace(r, body=r.body + b" "),
        lambda r: replace(r, body=r.body[:-1]),
        lambda r: replace(r, body=b""),
        lambda r: replace(r, headers={}),
        lambda r: with_header(r, "webhook-id", "evt_2"),
        lambda r: with_header(r, "webhook-id", ""),
        lambda r: with_header(r, "webhook-id", "evt_1.1772366400"),
        lambda r: with_header(r, "webhook-id", "x" * 201),
        lambda r: with_header(r, "webhook-timestamp", str(int(NOW.timestamp()) + 1)),
        lambda r: with_header(r, "webhook-timestamp", r.headers["webhook-timestamp"] + ".0"),
        lambda r: with_header(r, "webhook-timestamp", " " + r.headers["webhook-timestamp"]),
        lambda r: with_header(r, "webhook-timestamp", "nan"),
        lambda r: with_header(r, "webhook-timestamp", "-1"),
        lambda r: with_header(r, "webhook-timestamp", "9" * 400),
        lambda r: with_header(r, "webhook-timestamp", "١٧٧٢٣٦٦٤٠٠"),
        lambda r: with_header(r, "webhook-signature", ""),
        lambda r: with_header(r, "webhook-signature", "v1,"),
        lambda r: with_header(r, "webhook-signature", "v1"),
        lambda r: with_header(r, "webhook-signature", r.headers["webhook-signature"][:-1]),
        lambda r: with_header(r, "webhook-signature", r.headers["webhook-signature"].replace("v1,", "v2,")),
        lambda r: with_header(r, "webhook-signature", r.headers["webhook-signature"].replace("v1,", "v1a,")),
        lambda r: with_header(r, "webhook-signature", r.headers["webhook-signature"].removeprefix("v1,")),
        lambda r: with_header(r, "webhook-signature", "v1,\udcff\x00,,, v1"),
        lambda r: with_header(r, "webhook-signature", "v1,AAAA " * 20 + r.headers["webhook-signature"]),
        lambda r: with_header(r, "webhook-signature", "v1," + "A" * 1_000_000),
    ],
)
def test_forgeries_are_refused(forge: Callable[[WebhookRequest], WebhookRequest]) -> None:
    assert refusal(forge(signed())) is ErrorCode.WEBHOOK_SIGNATURE_INVALID


@pytest.mark.promise("G4")
def test_another_secret_is_refused() -> None:
    other = f"whsec_{b64encode(bytes(32)).decode()}"

    assert refusal(signed(secret=other)) is ErrorCode.WEBHOOK_SIGNATURE_INVALID


@pytest.mark.promise("G4")
@pytest.mark.incident("I23")
def test_no_mutant_of_a_good_delivery_is_believed(trials: Callable[[int], None]) -> None:
    judge = verifier()
    good = Genuine(
        body=BODY,
        secret=Secret(SECRET),
        sign=standard_webhook,
        received_at=NOW,
        tolerance=timedelta(seconds=TOLERANCE_SECONDS),
    )
    believed = []
    for mutant in mutants(good, count=FORGED_MUTANTS, seed=20260301):
        try:
            judge.verify(mutant.request)
        except WebhookRefused:
            continue
        believed.append(mutant)

    assert judge.verify(good.request()) == good.event
    assert believed == []
    trials(FORGED_MUTANTS)


@pytest.mark.parametrize("offset_seconds", [-TOLERANCE_SECONDS, -1, 0, 1, TOLERANCE_SECONDS])
def test_within_tolerance_it_is_fresh(offset_seconds: int) -> None:
    assert verifier().verify(signed(at=NOW + timedelta(seconds=offset_seconds))) == "evt_1"


@pytest.mark.promise("G4")
@pytest.mark.parametrize("offset_seconds", [-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1, -86_400, 86_400])
def test_outside_tolerance_it_is_stale_in_both_directions(offset_seconds: int) -> None:
    assert refusal(signed(at=NOW + timedelta(seconds=offset_seconds))) is ErrorCode.WEBHOOK_STALE


def test_a_stale_forgery_is_called_a_forgery() -> None:
    old = signed(at=NOW - timedelta(days=1))

    assert refusal(replace(old, body=b"{}")) is ErrorCode.WEBHOOK_SIGNATURE_INVALID


@pytest.mark.promise("G4")
@pytest.mark.incident("I22")
@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AAAA", "not base64 at all!", b64encode(bytes(23)).decode()])
def test_a_weak_or_broken_secret_stops_the_start(secret: str) -> None:
    with pytest.raises(ValueError, match="webhook secret"):
        StandardWebhook(Secret(secret))


@pytest.mark.promise("G6")
@pytest.mark.incident("I25")
def test_neither_the_verifier_nor_its_refusals_show_the_secret() -> None:
    with pytest.raises(WebhookRefused) as caught:
        verifier().verify(signed(secret=f"whsec_{b64encode(bytes(32)).decode()}"))

    shown = repr(verifier()) + str(caught.value) + repr(caught.value)
    assert SECRET not in shown
    assert repr(KEY) not in shown
