"""Every field of every body, every query parameter, every header: wrong in every way, refused by name, nothing done."""

from typing import Any

import msgspec
import pytest

from rewardrails.api.schemas.approvals import ApprovalIn, BatchApprovalIn, SeenIn, SeenPayoutIn
from rewardrails.api.schemas.common import In
from rewardrails.api.schemas.keys import KeyIn
from rewardrails.api.schemas.legal import LegalApprovalIn, RevocationIn
from rewardrails.api.schemas.manual import ProofIn, RefusalIn
from rewardrails.api.schemas.pauses import PauseIn
from rewardrails.api.schemas.payouts import DestinationIn, HoldIn, PayoutIn, ReleaseIn, ResolutionIn
from rewardrails.api.schemas.players import AnswerIn, ChallengeIn, CheckIn, ChecksIn, ErasureIn, RiskIn, RisksIn
from rewardrails.api.schemas.pools import MovementIn, PoolIn
from rewardrails.api.schemas.quotes import QuoteIn
from rewardrails.api.schemas.rates import RatesIn
from rewardrails.api.schemas.reconciliations import ClosingIn, ReconciliationIn
from rewardrails.api.schemas.sessions import SignInIn, StepUpIn, TelegramIn
from tests.api.client import REWARD, Answer, Api

NOWHERE = "00000000-0000-7000-8000-000000000000"
QUOTE = {name: value for name, value in REWARD.items() if name != "reward_id"}
MOVEMENT = {"source": "sponsor", "amount": "1.00", "reference": "r"}
APPROVAL = {
    "provider_type": "fiat_provider",
    "adapter": "fake",
    "assets": ["EUR"],
    "jurisdictions": ["DE"],
    "campaigns": ["*"],
    "valid_from": "2020-01-01T00:00:00Z",
    "valid_until": "2099-01-01T00:00:00Z",
    "document_reference": "vault/approval-1.pdf",
    "document_sha256": "0f" * 32,
    "max_total": "100.00",
    "max_per_player": "10.00",
}
CHECK = {
    "player_id": "player:1",
    "kind": "age",
    "result": "passed",
    "reference": "check-1",
    "expires_at": "2099-01-01T00:00:00Z",
    "age": 18,
}
RISK = {"player_id": "player:1", "score": 7, "reasons": ["new"], "expires_at": "2099-01-01T00:00:00Z"}
SEEN_PAYOUT = {"payout_id": NOWHERE, "approval_digest": "0" * 64}
SEEN = {
    "pool": "season-eur",
    "asset": "EUR",
    "provider": "one",
    "digest": "0" * 64,
    "payouts": 1,
    "amount_minor": "100",
    "amount": "1.00",
    "pool_reserved_minor": "100",
    "provider_float_minor": "100",
}
LATELY = "2026-01-01T00:00:00Z"
CLAIM = {"destination_kind": "paypal_email", "destination": "player@example.org", "memo": ""}
BODIES: list[tuple[str, type[In], dict[str, Any]]] = [
    ("/v1/pools", PoolIn, {"name": "new", "asset": "EUR"}),
    ("/v1/pools/POOL/fundings", MovementIn, MOVEMENT),
    ("/v1/pools/POOL/withdrawals", MovementIn, MOVEMENT),
    ("/v1/quotes", QuoteIn, QUOTE | {"memo": ""}),
    ("/v1/payouts", PayoutIn, REWARD | {"memo": "", "quote_id": NOWHERE}),
    (f"/v1/payouts/{NOWHERE}/hold", HoldIn, {"cause": "x"}),
    (f"/v1/payouts/{NOWHERE}/release", ReleaseIn, {"reason": "x", "overrules": ["limits"]}),
    (f"/v1/payouts/{NOWHERE}/destination", DestinationIn, {"destination": "a@example.org", "memo": ""}),
    (f"/v1/payouts/{NOWHERE}/resolve", ResolutionIn, {"outcome": "paid", "evidence": "seen at the provider"}),
    (f"/v1/manual/{NOWHERE}/settle", ProofIn, {"proof": "receipt"}),
    (f"/v1/manual/{NOWHERE}/refuse", RefusalIn, {"reason": "gone"}),
    ("/v1/pauses", PauseIn, {"scope": "campaign", "subject": "season", "reason": "x", "stops": "sending"}),
    ("/v1/keys", KeyIn, {"name": "k", "scopes": ["read"]}),
    ("/v1/legal-approvals", LegalApprovalIn, APPROVAL),
    (f"/v1/legal-approvals/{NOWHERE}/revoke", RevocationIn, {"reason": "x"}),
    ("/v1/players/checks", ChecksIn, {"reports": [CHECK]}),
    ("/v1/players/risk", RisksIn, {"reports": [RISK]}),
    (f"/v1/players/{NOWHERE}/erase", ErasureIn, {"reason": "x"}),
    ("/v1/players/player:1/ownership/challenges", ChallengeIn, CLAIM | {"proof": "attested"}),
    ("/v1/players/player:1/ownership/proofs", AnswerIn, CLAIM | {"challenge_id": NOWHERE, "answer": "mail/17"}),
    ("/v1/rates", RatesIn, {"rates": {"EUR": "1"}, "dated": "2026-01-01T00:00:00Z", "source": "s"}),
    ("/v1/approvals", ApprovalIn, {"payouts": [SEEN_PAYOUT]}),
    (f"/v1/batches/{NOWHERE}/approve", BatchApprovalIn, {"seen": [SEEN]}),
    ("/v1/reconciliations", ReconciliationIn, {"provider": "one", "covers_from": LATELY, "covers_to": LATELY}),
    (f"/v1/findings/{NOWHERE}/close", ClosingIn, {"reason": "the bank's own fee"}),
    ("/v1/sessions", SignInIn, {"name": "n", "password": "p", "totp": "123456"}),
    ("/v1/sessions/step-up", StepUpIn, {"totp": "123456", "password": "p"}),
    ("/v1/sign-in/telegram", TelegramIn, {"init_data": "a=b"}),
]
WITHIN: list[tuple[str, str, type[In], dict[str, Any]]] = [
    ("/v1/players/checks", "reports", CheckIn, CHECK),
    ("/v1/players/risk", "reports", RiskIn, RISK),
    ("/v1/approvals", "payouts", SeenPayoutIn, SEEN_PAYOUT),
    (f"/v1/batches/{NOWHERE}/approve", "seen", SeenIn, SEEN),
]
MAY_BE_LEFT_OUT = {f"/v1/payouts/{NOWHERE}/release"}
CODES = {
    "field_invalid",
    "amount_invalid",
    "asset_unsupported",
    "campaign_unknown",
    "destination_invalid",
    "destination_unsupported",
    "jurisdiction_not_allowed",
}
NO_OBJECTS = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"\xff\xfe",
    b'{"name": "\\ud800"}',
    b'{"a":' * 5000,
    b"[" * 60_000,
    b"{}trailing",
    b" " * 70_000,
)
WRONG_QUERIES = (
    ("/v1/payouts?state=gone", "state"),
    ("/v1/payouts?batch_id=7", "batch_id"),
    ("/v1/payouts?campaign=%00", "campaign"),
    ("/v1/payouts?provider=" + "x" * 2000, "provider"),
    ("/v1/payouts?player_id=", "player_id"),
    ("/v1/payouts?reward_id=a%0Ab", "reward_id"),
    ("/v1/payouts?campain=season", "campain"),
    ("/v1/payouts?campaign=a&campaign=b", "campaign"),
    ("/v1/payouts?limit=0", "limit"),
    ("/v1/payouts?limit=1001", "limit"),
    ("/v1/payouts?limit=ten", "limit"),
    ("/v1/pools?limit=99999999999999999999", "limit"),
    ("/v1/payouts?cursor=x", "cursor"),
    ("/v1/payouts?cursor=", "cursor"),
    ("/v1/payouts?cursor=%C3%A9", "cursor"),
    ("/v1/pools?cursor=bgAAAAAAAAAA", "cursor"),
    ("/v1/events?cursor=bv__________", "cursor"),
    ("/v1/events?subject_id=me", "subject_id"),
    ("/v1/manual?cursor=aQ", "cursor"),
    ("/v1/batches?limit=-1", "limit"),
    ("/v1/providers?x=1", "x"),
    ("/v1/approvals?batch_id=7", "batch_id"),
    ("/v1/holds?owner=nobody", "owner"),
    ("/v1/holds?overdue=maybe", "overdue"),
    ("/v1/holds?limit=0", "limit"),
    ("/v1/holds?cursor=aA", "cursor"),
    ("/v1/holds?cursor=aP__________AAAAAAAAAAAAAAAAAAAAAAAAYQ", "cursor"),
    ("/v1/holds?gate=limits", "gate"),
    ("/v1/reconciliations?cursor=x", "cursor"),
    ("/v1/findings?closed=maybe", "closed"),
    ("/v1/findings?kind=odd", "kind"),
    ("/v1/findings?limit=0", "limit"),
)
NO_AMOUNTS = ("", "0", "-1", "+1", "1e3", "1,5", "1.", ".5", "1.234", "NaN", "1" * 39, "\u0661", "1 0")
MAY_BE_NULL = {
    (PayoutIn, "quote_id"),
    (LegalApprovalIn, "max_total"),
    (LegalApprovalIn, "max_per_player"),
    (CheckIn, "age"),
    (SeenIn, "amount"),
    (StepUpIn, "totp"),
    (StepUpIn, "password"),
    (SeenIn, "provider"),
    (SeenIn, "pool_reserved_minor"),
    (SeenIn, "provider_float_minor"),
    (ReconciliationIn, "covers_from"),
    (ReconciliationIn, "covers_to"),
}
IS_A_NUMBER = {"age", "score", "payouts"}


def test_the_table_covers_every_body_there_is() -> None:
    tables = [(shape, body) for _, shape, body in BODIES] + [(shape, body) for _, _, shape, body in WITHIN]
    assert {shape for shape, _ in tables} == set(In.__subclasses__())
    for shape, body in tables:
        assert set(body) == set(shape.__struct_fields__)


def wrong_values(shape: type[In], name: str) -> list[object]:
    values: list[object] = [
        -1 if name in IS_A_NUMBER else 0,
        1.5,
        True,
        {},
        [],
        [[]],
        {"a": 1},
        "x" * 5000,
        "\u0000",
        "a\u0000b",
        "a\u0085b",
    ]
    if (shape, name) in {(RiskIn, "reasons"), (ReleaseIn, "overrules")}:
        values.remove([])
    return values if (shape, name) in MAY_BE_NULL else [None, *values]


def refused(answer: Answer, field: str) -> bool:
    return answer.status == 422 and answer.code in CODES and answer.json["field"].split("[")[0] == field


@pytest.mark.promise("G8")
@pytest.mark.parametrize(("path", "shape", "body"), BODIES, ids=[path for path, _, _ in BODIES])
async def test_every_wrong_field_is_refused_by_name_and_changes_nothing(
    api: Api, path: str, shape: type[In], body: dict[str, Any]
) -> None:
    path = path.replace("POOL", (await api.get("/v1/pools")).json["pools"][0]["id"])
    before = await api.row_counts()
    let_through = []

    for field in msgspec.structs.fields(shape):
        for value in wrong_values(shape, field.name):
            answer = await api.post(path, body | {field.name: value})
            if not refused(answer, field.name):
                let_through.append((field.name, value, answer.status, answer.body))
        if field.required:
            answer = await api.post(path, {name: value for name, value in body.items() if name != field.name})
            if not refused(answer, field.name):
                let_through.append((field.name, "missing", answer.status, answer.body))
    answer = await api.post(path, body | {"surprise": 1})
    if not refused(answer, "surprise"):
        let_through.append(("surprise", 1, answer.status, answer.body))

    assert let_through == []
    assert await api.row_counts() == before


@pytest.mark.parametrize(("path", "name", "shape", "item"), WITHIN, ids=[path for path, _, _, _ in WITHIN])
async def test_every_wrong_field_of_a_list_is_refused_by_its_place_and_changes_nothing(
    api: Api, path: str, name: str, shape: type[In], item: dict[str, Any]
) -> None:
    before = await api.row_counts()
    let_through = []

    for field in msgspec.structs.fields(shape):
        for value in wrong_values(shape, field.name):
            answer = await api.post(path, {name: [item, item | {field.name: value}]})
            place = answer.json.get("field", "")
            if (answer.status, answer.code) != (422, "field_invalid") or place.partition(".")[2].split("[")[
                0
            ] != field.name:
                let_through.append((field.name, value, answer.status, answer.body))
        if field.required:
            answer = await api.post(path, {name: [{key: item[key] for key in item if key != field.name}]})
            if not (answer.status == 422 and answer.json["field"].endswith(f".{field.name}")):
                let_through.append((field.name, "missing", answer.status, answer.body))

    assert let_through == []
    assert await api.row_counts() == before


@pytest.mark.parametrize("path", [path for path, _, _ in BODIES])
async def test_a_body_that_is_no_object_is_refused_and_changes_nothing(api: Api, path: str) -> None:
    path = path.replace("POOL", NOWHERE)
    before = await api.row_counts()

    raws = [raw for raw in NO_OBJECTS if path not in MAY_BE_LEFT_OUT or raw not in (b"", b"null")]
    answers = [await api.post(path, raw=raw) for raw in raws]

    assert [(answer.status, answer.code) for answer in answers] == [(422, "field_invalid")] * len(raws)
    assert await api.row_counts() == before


async def test_an_amount_that_is_no_plain_decimal_is_refused(api: Api) -> None:
    pool = (await api.get("/v1/pools")).json["pools"][0]["id"]
    doors = (("/v1/payouts", REWARD), ("/v1/quotes", QUOTE), (f"/v1/pools/{pool}/fundings", MOVEMENT))
    let_through = []

    for amount in NO_AMOUNTS:
        for path, body in doors:
            answer = await api.post(path, body | {"amount": amount})
            if (answer.status, answer.code, answer.json["field"]) != (422, "amount_invalid", "amount"):
                let_through.append((path, amount, answer.status, answer.body))

    assert let_through == []


async def test_a_wrong_query_parameter_is_refused_by_name(api: Api) -> None:
    let_through = []

    for path, field in WRONG_QUERIES:
        answer = await api.get(path)
        if (answer.status, answer.code, answer.json["field"]) != (422, "field_invalid", field):
            let_through.append((path, answer.status, answer.body))

    assert let_through == []


async def test_a_compressed_body_is_refused(api: Api) -> None:
    answer = await api.post("/v1/payouts", REWARD, headers={"Content-Encoding": "gzip"})

    assert (answer.status, answer.json["field"]) == (422, "Content-Encoding")


async def test_an_unknown_address_and_a_wrong_method_are_problems_too(api: Api) -> None:
    nowhere, malformed, method = (
        await api.get("/v2/payouts"),
        await api.get("/v1/payouts/7"),
        await api.call("DELETE", "/v1/payouts"),
    )

    assert [(answer.status, answer.code) for answer in (nowhere, malformed, method)] == [
        (404, "not_found"),
        (404, "not_found"),
        (405, "not_found"),
    ]
    assert "POST" in method.headers["Allow"]


async def test_a_problem_names_its_request_as_the_log_does(api: Api) -> None:
    answer = await api.post("/v1/payouts", {})

    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert answer.json["type"].endswith(":field_invalid")


@pytest.mark.promise("G6")
async def test_our_own_defect_tells_nothing_of_itself(api: Api) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the inside")

    api.core.providers["one"].quote = broken  # type: ignore[attr-defined]

    answer = await api.post("/v1/quotes", QUOTE)

    assert (answer.status, answer.code) == (500, "internal_error")
    assert b"inside" not in answer.body
    assert b"RuntimeError" not in answer.body


async def test_a_word_that_is_none_of_a_fields_is_answered_with_those_that_are(api: Api) -> None:
    paused = await api.post("/v1/pauses", {"scope": "universe", "reason": "r"})
    key = await api.post("/v1/keys", {"name": "k", "scopes": ["read", "all"]})

    assert paused.json["detail"] == "scope: it must be one of everything, provider, campaign, player"
    assert key.json["detail"].startswith("scopes[1]: it must be one of read, read_own, ")
