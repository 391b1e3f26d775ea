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
from tests.support.people import person, session_of

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
    assert rows <= 2 * 50


async def test_step_up_is_counted_too(api: Api) -> None:
    ann = await person(api.core, Role.VIEWER)
    token = (await api.post("/v1/sessions", ann.proof(), token="", key=None)).json["token"]

    statuses = [
        (await api.post("/v1/sessions/step-up", {"password": "wrong horse battery"}, token=token, key=None)).status
        for _ in range(4)
    ]

    assert statuses == [401, 401, 401, 429]


async def test_a_stranger_elsewhere_does_not_keep_the_owner_out(api: Api) -> None:
    limits = SignInLimits(api.core.database, api.core.vault, api.core.config.sign_in)
    await person(api.core, Role.VIEWER)
    refused = [await _tried(limits, "203.0.113.7", "ann") for _ in range(5)]

    assert refused == [True, True, True, False, False]
    assert await _tried(limits, "198.51.100.1", "ann")


async def test_many_addresses_together_are_bounded_too(api: Api) -> None:
    settings = SignInSettings(tries_per_name=1, tries_per_address=1000)
    limits = SignInLimits(api.core.database, api.core.vault, settings)

    heard = [await _tried(limits, f"203.0.113.{number}", "ann") for number in range(12)]

    assert heard == [True] * 10 + [False] * 2


async def test_a_networks_addresses_are_counted_as_one(api: Api) -> None:
    limits = SignInLimits(api.core.database, api.core.vault, SignInSettings(tries_per_address=2, tries_per_name=1000))

    same = [await _tried(limits, f"2001:db8:1:2::{number:x}", None) for number in range(3)]
    mapped = [await _tried(limits, one, None) for one in ("::ffff:203.0.113.9", "203.0.113.9", "203.0.113.9")]

    assert (same, mapped) == ([True, True, False], [True, True, False])
    assert await _tried(limits, "2001:db8:1:3::1", None)


async def test_no_spelling_of_a_name_has_a_count_of_its_own(api: Api) -> None:
    """Whatever the database takes for a name is counted with it, the letters of other alphabets among them."""
    await person(api.core, Role.VIEWER, name="mike")

    for name in ("mike", "MIKE", "mi\u212ae", "m\u0130ke", "mike", "mike", "mi\u212ae"):
        await attempt(api, name)

    aimed = [event for event in await api.events_of_type("sign_in.refused") if "operator" in str(event["data"])]
    assert len(aimed) == 3


async def test_tries_at_an_id_as_a_name_do_not_lock_its_owners_step_up(api: Api) -> None:
    ann = await person(api.core, Role.VIEWER)
    token = await session_of(api.core, ann)
    for _ in range(4):
        await attempt(api, ann.id)

    proved = await api.post("/v1/sessions/step-up", {"totp": ann.code()}, token=token, key=None)

    assert proved.status == 200


async def test_refusals_are_told_so_often_a_minute_and_the_last_says_so(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewardrails.security.sign_in.REFUSALS_PER_MINUTE", 3)
    await person(api.core, Role.VIEWER)
    for number in range(6):
        await attempt(api, f"nobody {number}")
    await attempt(api, "ann")

    told = [str(event["data"]) for event in await api.events_of_type("sign_in.refused")]

    minutes = len({event["subject_id"] for event in await api.events_of_type("sign_in.refused")})
    assert 4 <= len(told) <= (3 * minutes)
    assert sum("more_are_not_told" in one for one in told) >= 1
    assert sum("operator" in one for one in told) == 1


async def _tried(limits: SignInLimits, address: str, name: str | None) -> bool:
    try:
        await limits.count(address=address, name=name)
    except RateLimited:
        return False
    return True
