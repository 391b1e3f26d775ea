"""How often somebody may try to sign in: per name, per address, in all processes together, in a bounded table."""

import asyncio
from datetime import timedelta

import pytest

from rewardrails import clock
from rewardrails.config import SignInSettings
from rewardrails.errors import RateLimited
from rewardrails.security.limits import SLOTS, SignInLimits
from rewardrails.security.roles import Role
from tests.api.client import Api, running_api
from tests.support.people import person

pytestmark = [pytest.mark.promise("G7")]


@pytest.fixture
def configured() -> str:
    return "[sign_in]\ntries_per_name = 3\ntries_per_address = 9\nwindow_minutes = 1\n"


async def attempt(api: Api, name: str, code: str = "000000"):
    wrong = {"name": name, "password": "wrong horse battery", "totp": code}
    return await api.post("/v1/sessions", wrong, token="", key=None)


async def test_after_too_many_tries_at_a_name_even_the_right_proof_waits(api: Api) -> None:
    ann, bob = await person(api.core, Role.VIEWER), await person(api.core, Role.VIEWER, name="bob")
    tried = [(await attempt(api, name)).status for name in ("ann", "ANN", " ann")]

    right = await api.post("/v1/sessions", ann.proof(), token="", key=None)
    other = await api.post("/v1/sessions", bob.proof(), token="", key=None)

    assert tried == [401, 401, 401]
    assert (right.status, right.code, 1 <= int(right.headers["Retry-After"]) <= 60) == (429, "rate_limited", True)
    assert other.status == 201


async def test_after_too_many_tries_from_an_address_no_name_is_heard(api: Api) -> None:
    tried = [(await attempt(api, f"n{number}")).status for number in range(9)]

    assert tried == [401] * 9
    assert (await attempt(api, "fresh")).status == 429


async def test_who_comes_in_may_come_in_often(api: Api) -> None:
    ann = await person(api.core, Role.VIEWER)
    for drift in (-1, 0, 1):
        await attempt(api, "ann")
        assert (await api.post("/v1/sessions", ann.proof(drift), token="", key=None)).status == 201


async def test_two_processes_count_together(api: Api) -> None:
    await person(api.core, Role.VIEWER)
    async with running_api(api.core) as second:
        statuses = [(await attempt(one, "ann")).status for one in (api, second, api, second)]

    assert statuses == [401, 401, 401, 429]


async def test_tries_at_once_are_all_counted(api: Api, trials) -> None:
    settings = SignInSettings(tries_per_name=5, tries_per_address=1000)
    limits = SignInLimits(api.core.database, api.core.vault, settings)

    done = await asyncio.gather(*(limits.count(address="a", name="ann") for _ in range(30)), return_exceptions=True)

    assert sum(one is None for one in done) == 5
    assert all(one is None or isinstance(one, RateLimited) for one in done)
    trials(30)


async def test_a_window_that_is_over_forgets(api: Api) -> None:
    limits = SignInLimits(
        api.core.database, api.core.vault, SignInSettings(tries_per_name=1, window=timedelta(seconds=0.3))
    )
    await limits.count(address=None, name="ann")
    with pytest.raises(RateLimited):
        await limits.count(address=None, name="ann")

    await clock.sleep(0.4)

    await limits.count(address=None, name="ann")


async def test_strangers_names_fill_a_bounded_table(api: Api) -> None:
    limits = SignInLimits(
        api.core.database, api.core.vault, SignInSettings(tries_per_name=1000, tries_per_address=1000)
    )
    names = [f"name {number}" for number in range(300)]

    slots = {limits._slot("name", name) for name in names}  # type: ignore[arg-type]
    await asyncio.gather(*(limits.count(address=None, name=name) for name in names[:50]))

    async with api.core.database.reading() as connection:
        rows = await connection.fetchval("SELECT count(*) FROM sign_in_limit")
    assert all(0 <= slot < SLOTS for slot in slots)
    assert len(slots) > 290
    assert rows <= 50


async def test_step_up_is_counted_too(api: Api) -> None:
    ann = await person(api.core, Role.VIEWER)
    token = (await api.post("/v1/sessions", ann.proof(), token="", key=None)).json["token"]

    statuses = [
        (await api.post("/v1/sessions/step-up", {"password": "wrong horse battery"}, token=token, key=None)).status
        for _ in range(4)
    ]

    assert statuses == [401, 401, 401, 429]
