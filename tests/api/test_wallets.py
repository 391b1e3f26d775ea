"""Proofs of ownership over HTTP."""

from dataclasses import replace
from typing import Any

import pytest

from rewardrails.engine.gates.again import judge_due
from rewardrails.ownership.registry import build_proofs
from tests.api.client import Api, SignedRail, running_api
from tests.support import season

PROVED = season.CONFIG + (
    '[destination_kinds.paypal_email.rules]\nproofs = ["attested", "ed25519"]\nprove_above = { EUR = "10.00" }\n'
    '[destination_kinds.wallet]\nparser = "ed25519_key"\nassets = ["EUR"]\nrules = { proofs = ["ed25519"] }\n'
)
CLAIM = {"destination_kind": "paypal_email", "destination": "Player@Example.org"}
PLAYER = "/v1/players/player:1/ownership"


@pytest.fixture
async def api(database_dsn: str):
    async with (
        season.opened_core(database_dsn, [SignedRail("one")], config=PROVED) as core,
        running_api(replace(core, proofs=build_proofs(["attested", "ed25519"]))) as running,
    ):
        yield running


async def challenged(api: Api, player: str = PLAYER) -> str:
    answer = await api.post(f"{player}/challenges", CLAIM | {"proof": "attested"})
    assert answer.status == 201, answer.body
    return answer.json["challenge_id"]


def answering(challenge_id: str, **changes: Any) -> dict[str, Any]:
    return CLAIM | {"challenge_id": challenge_id, "answer": "mail/17"} | changes


async def standing(api: Api, payout_id: str) -> str:
    return (await api.get(f"/v1/payouts/{payout_id}")).json["state"]


async def test_a_player_who_proves_a_destination_is_paid_there(api: Api) -> None:
    payout_id = await api.payout(destination="Player@example.org")
    held = await standing(api, payout_id)
    told = (await api.get(f"/v1/payouts/{payout_id}/explain")).json

    proved = await api.post(f"{PLAYER}/proofs", answering(await challenged(api)))
    await judge_due(api.core)

    assert (held, await standing(api, payout_id)) == ("held", "ready")
    assert (proved.status, proved.json["how"]) == (200, "attested: mail/17")
    assert "mail" not in told["player_text"]


@pytest.mark.promise("G4")
async def test_every_proof_that_is_none_is_refused_by_code_and_field(api: Api) -> None:
    payout_id = await api.payout(destination="Player@example.org")
    used = await challenged(api)
    await api.post(f"{PLAYER}/proofs", answering(used, answer="  "))
    other = "/v1/players/player:2/ownership"
    calls = [
        (f"{PLAYER}/proofs", answering(used), "challenge_id"),
        (f"{PLAYER}/proofs", answering("00000000-0000-7000-8000-000000000000"), "challenge_id"),
        (f"{other}/proofs", answering(await challenged(api)), "challenge_id"),
        (f"{PLAYER}/proofs", answering(await challenged(api), destination="b@example.org"), "destination"),
        (f"{PLAYER}/proofs", answering(await challenged(api), answer=""), "answer"),
        (f"{PLAYER}/challenges", CLAIM | {"proof": "ed25519"}, "destination"),
    ]

    answers = [(await api.post(path, body), field) for path, body, field in calls]
    await judge_due(api.core)

    assert [(one.status, one.code, one.json["field"] == field) for one, field in answers] == [
        (422, "ownership_not_proved", True)
    ] * len(calls)
    assert await standing(api, payout_id) == "held"


async def test_the_same_answer_under_the_same_key_answers_the_same(api: Api) -> None:
    body = answering(await challenged(api))

    first = await api.post(f"{PLAYER}/proofs", body, key="k-1")
    again = await api.post(f"{PLAYER}/proofs", body, key="k-1")
    replayed = await api.post(f"{PLAYER}/proofs", body, key="k-2")

    assert (first.status, again.status, again.json) == (200, 200, first.json)
    assert (replayed.status, replayed.code) == (422, "ownership_not_proved")


@pytest.mark.parametrize("player", ["a%00b", "a%0Ab", "x" * 1025])
async def test_a_player_that_cannot_be_is_refused_by_name(api: Api, player: str) -> None:
    answer = await api.post(f"/v1/players/{player}/ownership/challenges", CLAIM | {"proof": "attested"})

    assert (answer.status, answer.json["field"]) == (422, "player_id")


@pytest.mark.promise("G6")
async def test_no_destination_is_kept_under_the_key_of_a_challenge(api: Api) -> None:
    body = {"destination_kind": "wallet", "destination": "0f" * 32, "proof": "ed25519"}
    first = await api.post(f"{PLAYER}/challenges", body, key="c-1")
    again = await api.post(f"{PLAYER}/challenges", body, key="c-1")

    async with api.core.database.reading() as connection:
        rows = await connection.fetch("SELECT response FROM idempotency")
    kept = b" ".join(row["response"] for row in rows).decode("latin-1")

    assert (again.status, again.json, again.headers["Idempotency-Replayed"]) == (201, first.json, "true")
    assert "0f" * 32 in first.json["message"]
    assert "0f" * 32 not in kept
