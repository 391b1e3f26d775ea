"""The game's backend: it pays, stages and tells; it sees what it made itself and nothing of anybody else's."""

import pytest

from rewardrails.security.roles import MATRIX, Role
from rewardrails.security.scopes import Scope
from tests.api.client import HEADER, REWARD, Api
from tests.support.people import person, session_of

pytestmark = [pytest.mark.promise("G7")]
ROW = b"r-%d,player:1,season,12.50,EUR,DE,paypal_email,player@example.org,\n"


async def staged(api: Api, token: str, number: int) -> str:
    made = await api.call(
        "POST",
        f"/v1/batches?name=b{number}",
        raw=HEADER.encode() + ROW % number,
        token=token,
        headers={"Content-Type": "text/csv"},
    )
    assert made.status == 201, made.body
    return made.json["id"]


async def test_a_backend_sees_its_own_payouts_and_batches_alone(api: Api) -> None:
    game, other = [await api.key_with(MATRIX[Role.GAME_BACKEND]) for _ in range(2)]
    mine = (await api.post("/v1/payouts", REWARD, token=game)).json["id"]
    theirs = (await api.post("/v1/payouts", REWARD | {"reward_id": "r-2"}, token=other)).json["id"]
    my_batch, their_batch = await staged(api, game, 11), await staged(api, other, 12)

    payouts = (await api.get("/v1/payouts", token=game)).json["payouts"]
    batches = (await api.get("/v1/batches", token=game)).json["batches"]
    own = [f"/v1/payouts/{mine}", f"/v1/batches/{my_batch}", f"/v1/batches/{my_batch}/rows"]
    foreign = [f"/v1/payouts/{theirs}", f"/v1/batches/{their_batch}", f"/v1/batches/{their_batch}/rows"]

    assert [one["id"] for one in payouts] == [mine]
    assert [one["id"] for one in batches] == [my_batch]
    assert [(await api.get(path, token=game)).status for path in own] == [200] * 3
    assert [(await api.get(path, token=game)).status for path in foreign] == [404] * 3
    assert (await api.post(f"/v1/batches/{their_batch}/start", token=game)).status == 404
    assert len((await api.get("/v1/payouts")).json["payouts"]) == 2


async def test_an_operators_own_key_makes_no_second_person(api: Api) -> None:
    """Whoever could make a key that approves would be two persons by themselves."""
    admin = await session_of(api.core, await person(api.core, Role.ADMIN))

    def wanted(*scopes: str) -> dict[str, object]:
        return {"name": "k", "scopes": list(scopes)}

    refused = [
        await api.post("/v1/keys", wanted("read", scope), token=admin, key=None)
        for scope in ("approve", "comply", "resolve", "people", "admin")
    ]
    made = await api.post("/v1/keys", wanted("read_own", "payouts"), token=admin, key=None)

    assert [(answer.status, answer.code) for answer in refused] == [(403, "forbidden")] * 5
    assert made.status == 201


async def test_a_key_that_makes_keys_makes_none_that_may_everything(api: Api) -> None:
    people = await api.key_with({Scope.PEOPLE})

    answer = await api.post("/v1/keys", {"name": "k", "scopes": ["admin"]}, token=people, key=None)

    assert (answer.status, answer.code) == (403, "forbidden")
