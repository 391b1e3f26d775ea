"""The forger itself: it finds every kind of careless adapter, and never calls a genuine notice forged."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from rewardrails.domain.webhook import WebhookRequest
from rewardrails.secrets import Secret
from rewardrails.testing.mutants import Forgery, Genuine, mutants, standard_webhook

KEY = bytes(range(32))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GENUINE = Genuine(
    body=b'{"type":"payout.paid","data":{"amount":"12.50","reference":"r-1"}}',
    secret=Secret(f"whsec_{b64encode(KEY).decode()}"),
    sign=standard_webhook,
    received_at=NOW,
    tolerance=timedelta(minutes=5),
)
Believes = Callable[[WebhookRequest], bool]


def proof(request: WebhookRequest, *, key: bytes = KEY, parts: str = "{id}.{at}.", body: bytes | None = None) -> str:
    """The signature a verifier expects, over these parts and the body."""
    named = parts.format(id=header(request, "id"), at=header(request, "timestamp"))
    said = request.body if body is None else body
    return b64encode(hmac.digest(key, named.encode("utf-8", "replace") + said, hashlib.sha256)).decode()


def header(request: WebhookRequest, name: str) -> str:
    return request.headers.get(f"webhook-{name}", "")


def is_fresh(request: WebhookRequest) -> bool:
    at = header(request, "timestamp")
    return at.isascii() and at.isdigit() and abs(NOW.timestamp() - int(at)) <= 300


def careful(request: WebhookRequest) -> bool:
    return f"v1,{proof(request)}" in header(request, "signature").split(" ") and is_fresh(request)


CARELESS: dict[str, Believes] = {
    "believes_everybody": lambda r: True,
    "never_looks_at_the_time": lambda r: f"v1,{proof(r)}" in header(r, "signature").split(" "),
    "looks_only_for_old_ones": lambda r: (
        f"v1,{proof(r)}" in header(r, "signature").split(" ")
        and header(r, "timestamp").isdigit()
        and NOW.timestamp() - int(header(r, "timestamp")) <= 300
    ),
    "compares_only_as_far_as_the_header_reaches": lambda r: (
        all(a == b for a, b in zip(header(r, "signature"), f"v1,{proof(r)}", strict=False)) and is_fresh(r)
    ),
    "looks_for_the_proof_anywhere": lambda r: proof(r) in header(r, "signature") and is_fresh(r),
    "takes_no_proof_for_a_proof": lambda r: careful(r) or (header(r, "signature") in ("v1,", "v1") and is_fresh(r)),
    "takes_any_scheme": lambda r: header(r, "signature").rpartition(",")[2] == proof(r) and is_fresh(r),
    "ignores_case": lambda r: header(r, "signature").lower() == f"v1,{proof(r)}".lower() and is_fresh(r),
    "trims": lambda r: header(r, "signature").strip() == f"v1,{proof(r)}" and is_fresh(r),
    "signs_the_body_alone": lambda r: (
        header(r, "signature") == f"v1,{proof(GENUINE.request())}" and r.body == GENUINE.body and is_fresh(r)
    ),
    "takes_the_proof_of_any_body": lambda r: (
        header(r, "signature") in (f"v1,{proof(r)}", f"v1,{proof(r, body=GENUINE.body)}") and is_fresh(r)
    ),
    "reads_the_body_as_text_first": lambda r: (
        header(r, "signature") == f"v1,{proof(r, body=r.body.decode(errors='ignore').strip().encode())}" and is_fresh(r)
    ),
    "falls_back_to_an_empty_secret": lambda r: (
        header(r, "signature") in (f"v1,{proof(r)}", f"v1,{proof(r, key=b'')}") and is_fresh(r)
    ),
    "lets_through_what_has_no_signature": lambda r: not header(r, "signature") or careful(r),
}


@pytest.mark.promise("G4")
@pytest.mark.parametrize("believes", CARELESS.values(), ids=CARELESS)
def test_every_careless_verifier_is_found(believes: Believes) -> None:
    assert believes(GENUINE.request()), "a careless verifier believes the genuine one too, or it would show nothing"
    assert any(believes(mutant.request) for mutant in mutants(GENUINE, count=5_000, seed=1))


def test_a_careful_verifier_believes_the_genuine_notice_and_no_mutant() -> None:
    assert careful(GENUINE.request())
    assert [mutant for mutant in mutants(GENUINE, count=5_000, seed=1) if careful(mutant.request)] == []


def test_the_same_seed_makes_the_same_mutants() -> None:
    first, again = (list(mutants(GENUINE, count=500, seed=9)) for _ in range(2))

    assert first == again
    assert list(mutants(GENUINE, count=500, seed=10)) != first


def test_every_forgery_takes_its_turn_and_others_can_be_left_out() -> None:
    made = [mutant.forgery for mutant in mutants(GENUINE, count=2 * len(Forgery), seed=1)]
    timeless = [one for one in Forgery if one not in (Forgery.STALE, Forgery.FUTURE)]

    assert made == [*Forgery, *Forgery]
    assert {mutant.forgery for mutant in mutants(GENUINE, count=100, seed=1, forgeries=timeless)} == set(timeless)


def test_no_secret_shows_in_what_is_forged() -> None:
    assert b64encode(KEY).decode() not in repr(GENUINE) + repr(list(mutants(GENUINE, count=100, seed=1)))
    assert b64decode(GENUINE.secret.reveal().removeprefix("whsec_")) == KEY
