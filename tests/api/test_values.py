"""Codes over HTTP: to the game once, once more when support allows it, and stored in no answer."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from rewardrails.security.roles import MATRIX, Role
from tests.api.client import REWARD, Api, running_api
from tests.support.scripted_rail import CAPABILITIES, ScriptedRail, give
from tests.support.season import opened_core, send_all

pytestmark = [pytest.mark.promise("G6", "G7")]
PLAYER = {"player_id": "player:1"}


@pytest.fixture
async def api(database_dsn: str) -> AsyncIterator[Api]:
    rails = [ScriptedRail("one", give, replace(CAPABILITIES, hands_over_values=True))]
    async with opened_core(database_dsn, rails) as core, running_api(core) as running:
        yield running


async def paid_by(api: Api, token: str) -> str:
    made = await api.post("/v1/payouts", REWARD, token=token)
    await send_all(api.core)
    return made.json["id"]


async def test_a_game_takes_its_own_player_s_code_once_and_again_when_support_lets_it(api: Api) -> None:
    game, other = [await api.key_with(MATRIX[Role.GAME_BACKEND]) for _ in range(2)]
    support = await api.key_with(MATRIX[Role.SUPPORT])
    payout = await paid_by(api, game)
    path = f"/v1/payouts/{payout}/value"
    ready = (await api.get(f"/v1/payouts/{payout}", token=game)).json["value"]

    foreign = await api.post(path, PLAYER, token=other)
    wrong = await api.post(path, {"player_id": "player:2"}, token=game)
    first, late = [await api.post(path, PLAYER, token=game, key="same") for _ in range(2)]
    lets = await api.post(f"{path}/reissue", {"reason": "case 7"}, token=support)
    again = await api.post(path, PLAYER, token=game)

    assert (ready["is_open"], ready["revealed_at"]) == (True, None)
    assert [(one.status, one.code) for one in (foreign, wrong)] == [(404, "not_found")] * 2
    assert (first.status, first.json["number"], first.json["link"]) == (200, 1, None)
    assert first.json["code"].startswith("CODE-")
    assert first.headers["Cache-Control"] == "no-store"
    assert (late.status, late.code) == (409, "value_already_revealed")
    assert (lets.status, lets.json["is_open"]) == (200, True)
    assert (again.json["number"], again.json["code"]) == (2, first.json["code"])


async def test_the_code_is_in_no_table_but_sealed_and_in_no_event(api: Api, database_dsn: str) -> None:
    payout = await paid_by(api, api.token)
    code = (await api.post(f"/v1/payouts/{payout}/value", PLAYER)).json["code"]
    told = await api.post(f"/v1/payouts/{payout}/value/reissue", {"reason": "case 7"})

    async with api.core.database.reading() as connection:
        names = await connection.fetch("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        stored = [repr(await connection.fetch(f'SELECT * FROM "{row[0]}"')) for row in names]
    shown = (await api.get(f"/v1/payouts/{payout}")).body.decode()
    assert code.encode().hex() not in "".join(stored)
    assert code not in "".join(stored) + shown + told.body.decode()
    assert len(await api.events_of_type("bearer.revealed")) == len(await api.events_of_type("bearer.reissued")) == 1


async def test_support_may_reissue_and_never_see_and_a_game_the_other_way_round(api: Api) -> None:
    game = await api.key_with(MATRIX[Role.GAME_BACKEND])
    support = await api.key_with(MATRIX[Role.SUPPORT])
    payout = await paid_by(api, game)
    path = f"/v1/payouts/{payout}/value"
    await api.post(path, PLAYER, token=game)

    refused = await api.post(f"{path}/reissue", {"reason": "lost it"}, token=game)
    nameless = await api.post(f"{path}/reissue", {"reason": " "}, token=support)
    looking = await api.post(path, PLAYER, token=support)

    assert [(one.status, one.code) for one in (refused, looking)] == [(403, "forbidden")] * 2
    assert (nameless.status, nameless.code) == (422, "proof_required")
