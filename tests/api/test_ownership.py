"""Whose is what: an id of something else tells nothing, answers stay with the key that asked, personal data with who may."""

import asyncio
import re
from collections import Counter
from uuid import UUID

import pytest

from rewardrails import ids
from rewardrails.security.keys import Scope
from tests.api.client import REWARD, Answer, Api
from tests.api.test_auth import NOWHERE, ROUTES, all_that_lack
from tests.api.test_bad_input import BODIES
from tests.support import season

pytestmark = [pytest.mark.promise("G6", "G7")]

# A player may be one that nobody has paid yet: whoever proves an address is not looked up.
OF_ANYBODY = f"/v1/players/{NOWHERE}/ownership/"
OF_AN_OBJECT = [
    (method, path, scope) for method, path, scope in ROUTES if NOWHERE in path and not path.startswith(OF_ANYBODY)
]
BODY_OF = {path: body for path, _, body in BODIES}
WHOLE_DESTINATION = b"player@example.org"
ROUNDS = 10


def unlike_only_in_names(answer: Answer, named: str) -> tuple[int, str]:
    """An answer without the id it was asked for and without the request's own id."""
    told = {name: value for name, value in answer.json.items() if name != "request_id"}
    return answer.status, str(told).replace(named, "ID").replace(named.replace("-", ""), "ID")


async def objects(api: Api) -> dict[str, str]:
    """One id of every kind of thing that has one."""
    key = (await api.post("/v1/keys", {"name": "game", "scopes": ["read"]}, key=None)).json["id"]
    pause = (await api.post("/v1/pauses", {"scope": "campaign", "subject": "other", "reason": "x"})).json["id"]
    quote = {name: value for name, value in REWARD.items() if name != "reward_id"}
    return {
        "payouts": await api.payout(),
        "manual": NOWHERE,
        "pools": (await api.get("/v1/pools")).json["pools"][0]["id"],
        "quotes": (await api.post("/v1/quotes", quote)).json["id"],
        "keys": key,
        "pauses": pause,
        "batches": NOWHERE,
    }


async def test_an_id_of_something_else_is_answered_like_an_id_of_nothing(api: Api) -> None:
    """Every route that names an object, asked for every other kind of object: not found, in the very same words."""
    named = await objects(api)
    told = []
    before = await api.row_counts()

    for method, path, _ in OF_AN_OBJECT:
        body = BODY_OF.get(re.sub(r"/v1/pools/[^/]+", "/v1/pools/POOL", path)) or BODY_OF.get(path)
        kind = path.split("/")[2]
        nothing = str(ids.new_id())
        expected = await api.call(method, path.replace(NOWHERE, nothing), body=body)
        for other, other_id in named.items():
            if other in {kind, "payouts"} and kind in {other, "manual"}:
                continue
            answer = await api.call(method, path.replace(NOWHERE, other_id), body=body)
            if unlike_only_in_names(answer, other_id) != unlike_only_in_names(expected, nothing):
                told.append((method, path, other, answer.body, expected.body))
        if expected.status != 404:
            told.append((method, path, "nothing", expected.body, b""))

    assert told == []
    assert await api.row_counts() == before


async def test_a_filter_for_something_that_is_elsewhere_finds_nothing(api: Api) -> None:
    named = await objects(api)

    for query in (f"payouts?batch_id={named['payouts']}", "payouts?campaign=other", "payouts?provider=two"):
        assert (await api.get(f"/v1/{query}")).json["payouts"] == []


async def test_a_quote_serves_only_the_payout_it_was_made_for(api: Api) -> None:
    named = await objects(api)

    answer = await api.post(
        "/v1/payouts", REWARD | {"reward_id": "r-9", "player_id": "p:9", "quote_id": named["quotes"]}
    )

    assert (answer.status, answer.json["field"]) == (422, "quote_id")


async def test_no_key_but_one_for_the_manual_queue_sees_a_whole_destination(api: Api) -> None:
    payout = await api.payout(destination_kind="manual_note", destination=WHOLE_DESTINATION.decode())
    await season.send_all(api.core, "by-hand")
    others = await api.key_with(all_that_lack(Scope.REVEAL))
    manual = await api.key_with({Scope.MANUAL})
    shown = []

    for method, path, _ in ROUTES:
        if method == "GET":
            answer = await api.get(path.replace(NOWHERE, payout), token=others)
            if WHOLE_DESTINATION in answer.body:
                shown.append(path)

    assert shown == []
    assert WHOLE_DESTINATION in (await api.get("/v1/manual", token=manual)).body


async def test_the_same_idempotency_key_of_another_caller_answers_nothing_of_the_first(api: Api) -> None:
    one, other = await api.key_with({Scope.PAYOUTS}), await api.key_with({Scope.PAYOUTS})
    first = await api.post("/v1/payouts", REWARD, key="k", token=one)

    second = await api.post("/v1/payouts", REWARD | {"reward_id": "r-2"}, key="k", token=other)

    assert (first.status, second.status) == (201, 201)
    assert "Idempotency-Replayed" not in second.headers
    assert first.json["id"] != second.json["id"]


async def test_one_key_for_many_objects_at_once_does_one_of_them(api: Api, trials) -> None:
    """Who is told 409 has done nothing, on the verbs that speak to a rail too."""
    for number in range(ROUNDS):
        payouts = [await api.payout(10 * number + one) for one in range(5)]

        answers = await asyncio.gather(
            *(api.post(f"/v1/payouts/{payout}/cancel", key=f"cancel-{number}") for payout in payouts)
        )

        states = await season.states(api.core)
        done = Counter((answer.status, states[UUID(payout)]) for answer, payout in zip(answers, payouts, strict=True))
        assert done == {(200, "canceled"): 1, (409, "ready"): 4}
    trials(ROUNDS)


async def test_one_key_at_once_on_many_routes_and_by_many_callers_is_as_many_calls(api: Api) -> None:
    pool = (await api.get("/v1/pools")).json["pools"][0]
    callers = [await api.key_with({Scope.POOLS}) for _ in range(4)]
    moved = {"source": "sponsor", "amount": "1"}

    answers = await asyncio.gather(
        *(
            api.post(f"/v1/pools/{pool['id']}/{verb}", moved, key="k", token=token)
            for token in callers
            for verb in ("fundings", "fundings", "withdrawals", "withdrawals")
        )
    )

    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 8
    assert (await api.get(f"/v1/pools/{pool['id']}")).json["available"] == pool["available"]


async def test_a_refused_call_frees_its_key_on_the_verbs_that_speak_to_a_rail_too(api: Api) -> None:
    payout = await api.payout()
    await season.send_all(api.core)
    refused = await api.post(f"/v1/payouts/{payout}/cancel", key="k")
    other = await api.payout(2)

    answer = await api.post(f"/v1/payouts/{other}/cancel", key="k")

    assert (refused.status, answer.status) == (409, 200)
