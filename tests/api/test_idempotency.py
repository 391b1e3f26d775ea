"""The same key: the same answer, once done; another request: refused."""

import asyncio

import pytest

from tests.api.client import REWARD, Api
from tests.support import season

NAMED = {"name": "again", "asset": "EUR"}


@pytest.mark.promise("G1")
async def test_the_same_key_and_request_answers_the_same_and_does_it_once(api: Api) -> None:
    first = await api.post("/v1/pools", NAMED, key="k")
    second = await api.post("/v1/pools", NAMED, key="k")

    assert (first.status, first.body) == (second.status, second.body)
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"


@pytest.mark.promise("G1")
async def test_the_same_key_with_another_request_is_refused(api: Api) -> None:
    await api.post("/v1/pools", NAMED, key="k")

    answer = await api.post("/v1/pools", NAMED | {"name": "other"}, key="k")

    assert (answer.status, answer.code) == (409, "idempotency_key_reused")


@pytest.mark.promise("G1", "G7")
async def test_a_key_binds_one_caller_and_one_verb_only(api: Api) -> None:
    pool = (await api.get("/v1/pools")).json["pools"][0]["id"]
    moved = {"source": "sponsor", "amount": "1"}

    answers = [
        await api.post(f"/v1/pools/{pool}/fundings", moved, key="k"),
        await api.post(f"/v1/pools/{pool}/withdrawals", moved, key="k"),
        await api.post("/v1/pools", NAMED, key="k"),
    ]

    assert [answer.status for answer in answers] == [201, 201, 201]


async def test_a_refused_request_may_come_again_under_its_key(api: Api) -> None:
    refused = await api.post("/v1/payouts", REWARD | {"amount": "99999999.00"}, key="k")
    corrected = await api.post("/v1/payouts", REWARD, key="k")

    assert (refused.code, corrected.status) == ("pool_exhausted", 201)


@pytest.mark.promise("G1")
@pytest.mark.incident("I11")
async def test_fifty_equal_creates_at_once_make_one_payout(api: Api) -> None:
    answers = await asyncio.gather(*(api.post("/v1/payouts", REWARD, key="k") for _ in range(50)))

    assert {(answer.status, answer.json["id"]) for answer in answers} == {(201, answers[0].json["id"])}
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert len(await season.states(api.core)) == 1


@pytest.mark.promise("G1")
async def test_one_key_with_different_rewards_at_once_makes_one_payout(api: Api) -> None:
    answers = await asyncio.gather(
        *(api.post("/v1/payouts", REWARD | {"reward_id": f"r-{number}"}, key="k") for number in range(20))
    )

    assert sorted(answer.status for answer in answers) == [201] + [409] * 19
    assert {answer.code for answer in answers if answer.status == 409} == {"idempotency_key_reused"}
    assert len(await season.states(api.core)) == 1


@pytest.mark.promise("G1")
async def test_a_reward_under_another_key_answers_its_payout(api: Api) -> None:
    first = await api.post("/v1/payouts", REWARD)
    second = await api.post("/v1/payouts", REWARD)
    changed = await api.post("/v1/payouts", REWARD | {"amount": "12.51"})

    assert (second.status, second.json["verdict"], second.json["id"]) == (200, "replayed", first.json["id"])
    assert (changed.status, changed.code) == (409, "idempotency_key_reused")


async def test_a_payout_under_a_lapsed_quote_still_answers_its_key(api: Api) -> None:
    quote = (await api.post("/v1/quotes", {k: v for k, v in REWARD.items() if k != "reward_id"})).json
    wanted = REWARD | {"quote_id": quote["id"]}
    first = await api.post("/v1/payouts", wanted, key="k")
    async with api.core.database.transaction() as tx:
        await tx.execute("UPDATE quote SET expires_at = rr_now() - interval '1 minute'")

    again = await api.post("/v1/payouts", wanted, key="k")
    late = await api.post("/v1/payouts", wanted | {"reward_id": "r-2"}, key="other")

    assert (again.status, again.body) == (201, first.body)
    assert (late.status, late.code) == (409, "quote_expired")


async def test_a_retry_of_hold_under_its_key_is_no_conflict(api: Api) -> None:
    path = f"/v1/payouts/{await api.payout()}/hold"
    first = await api.post(path, {"cause": "x"}, key="k")
    again = await api.post(path, {"cause": "x"}, key="k")
    other = await api.post(path, {"cause": "x"}, key="l")

    assert (first.status, again.body, other.code) == (200, first.body, "state_conflict")


@pytest.mark.parametrize("key", [None, "", "x" * 201, "caf\xe9"])
async def test_a_key_that_is_none_is_refused(api: Api, key: str | None) -> None:
    before = await api.row_counts()

    answer = await api.post("/v1/payouts", REWARD, key=key)

    assert (answer.status, answer.code, answer.json["field"]) == (422, "field_invalid", "Idempotency-Key")
    assert await api.row_counts() == before
