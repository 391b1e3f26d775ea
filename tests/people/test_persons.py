"""Keys are their maker's word: whoever made one is who acts, what they may not do it may not, and it goes when they go."""

import asyncio
from uuid import UUID

import pytest

from rewardrails.errors import Unauthorized
from rewardrails.security import keys, operators, persons
from rewardrails.security.roles import MATRIX, Role
from rewardrails.security.scopes import Scope
from tests.api.client import REWARD, Api
from tests.support.people import Person, person, session_of

pytestmark = [pytest.mark.promise("G7")]


async def made(api: Api, actor: str, *scopes: Scope) -> str:
    """A key as an actor."""
    key, _ = await keys.create_key(
        api.core.database, api.core.vault, name="k", scopes=frozenset(scopes or {Scope.READ}), actor=actor
    )
    return key.actor


async def roots(api: Api, *actors: str) -> dict[str, str]:
    async with api.core.database.reading() as connection:
        return dict(await persons.roots_of(connection, actors))


async def statuses(api: Api, token: str, *scopes: Scope) -> list[int]:
    """What making a key with each of the scopes is answered."""
    return [
        (await api.post("/v1/keys", {"name": "k", "scopes": [scope]}, token=token, key=None)).status for scope in scopes
    ]


async def test_a_key_acts_for_whoever_made_it_and_whoever_made_their_key(api: Api) -> None:
    ann = await person(api.core, Role.ADMIN)
    first = await made(api, ann.actor)
    second = await made(api, first)
    third = await made(api, second)

    found = await roots(api, first, second, third, ann.actor)

    assert set(found.values()) == {ann.actor}


async def test_a_key_of_the_machine_or_of_its_own_admin_key_is_nobody_elses(api: Api) -> None:
    machine = await made(api, "cli:root", Scope.ADMIN)
    bootstrap = await made(api, "cli:root", Scope.PEOPLE)
    of_machine, of_bootstrap = await made(api, machine), await made(api, bootstrap)
    deeper = await made(api, of_machine)

    found = await roots(api, machine, bootstrap, of_machine, of_bootstrap, deeper)

    assert found == {
        machine: machine,
        bootstrap: bootstrap,
        of_machine: of_machine,
        of_bootstrap: bootstrap,
        deeper: of_machine,
    }


async def test_what_is_no_known_key_stands_for_itself_and_a_revoked_one_still_tells(api: Api) -> None:
    ann = await person(api.core, Role.ADMIN)
    gone = await made(api, ann.actor)
    below = await made(api, gone)
    await keys.revoke_key(api.core.database, UUID(gone.removeprefix("key:")), actor="test")
    others = ["cli:root", "worker", "key:no-uuid", "key:00000000-0000-7000-8000-000000000000", ""]

    found = await roots(api, gone, below, *others)

    assert found == {gone: ann.actor, below: ann.actor} | {other: other for other in others}
    assert await roots(api) == {}


async def test_a_person_gives_keys_what_they_hold_and_what_a_game_needs(api: Api) -> None:
    ann = await session_of(api.core, await person(api.core, Role.ADMIN, Role.APPROVER))
    game = [Scope.READ, *sorted(MATRIX[Role.GAME_BACKEND])]
    foreign = (Scope.MANUAL, Scope.OPERATE, Scope.POOLS, Scope.TREASURY, Scope.RELEASE, Scope.REVEAL)

    assert await statuses(api, ann, *game, Scope.PAUSE, Scope.AUDIT) == [201] * (len(game) + 2)
    assert await statuses(api, ann, *foreign) == [403] * len(foreign)
    assert await statuses(api, ann, *sorted(keys.PERSONAL)) == [403] * len(keys.PERSONAL)


async def test_a_key_gives_no_more_than_a_person_would(api: Api) -> None:
    people = await api.key_with({Scope.PEOPLE, Scope.TREASURY, Scope.APPROVE})

    assert await statuses(api, people, Scope.TREASURY, Scope.PAYOUTS, Scope.AUDIT) == [201] * 3
    assert await statuses(api, people, Scope.MANUAL, *sorted(keys.PERSONAL)) == [403] * (1 + len(keys.PERSONAL))


async def test_the_scope_admin_gives_everything(api: Api) -> None:
    assert await statuses(api, await api.key_with({Scope.ADMIN}), *Scope) == [201] * len(Scope)


async def test_disabling_somebody_revokes_what_they_made_and_what_that_made_and_tells(api: Api) -> None:
    ann = await person(api.core, Role.ADMIN)
    first = await made(api, ann.actor)
    below = await made(api, await made(api, first))
    spared = await made(api, "cli:root")

    out = await operators.disable(api.core.database, "ann", actor="test")

    alive = {f"key:{one.id}" for one in await keys.list_keys(api.core.database) if one.revoked_at is None}
    told = await api.events_of_type("operator.disabled")
    revoked = {str(event["subject_id"]) for event in await api.events_of_type("key.revoked")}
    assert spared in alive
    assert alive.isdisjoint({first, below})
    assert len(out.keys) == 3
    assert revoked == {str(key) for key in out.keys}
    assert all(str(key) in str(told[-1]["data"]) for key in out.keys)


async def test_a_key_of_somebody_who_left_pays_no_more(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rewardrails.api.auth.CACHE_SECONDS", 0.0)
    ann = await person(api.core, Role.ADMIN)
    token = await session_of(api.core, ann)
    key = (await api.post("/v1/keys", {"name": "k", "scopes": ["payouts"]}, token=token, key=None)).json["token"]
    before = await api.post("/v1/payouts", REWARD, token=key)

    await operators.disable(api.core.database, "ann", actor="test")

    after = await api.post("/v1/payouts", REWARD | {"reward_id": "r-2"}, token=key)
    assert (before.status, after.status) == (201, 401)


async def test_nobody_makes_a_key_while_they_are_shown_out(api: Api, trials) -> None:
    """Disabling and making keys at once: whatever was made is revoked, whatever was not is refused."""
    for number in range(10):
        ann = await person(api.core, Role.ADMIN, name=f"ann {number}")
        parent = await made(api, ann.actor)
        makers = [made(api, actor) for actor in (ann.actor, parent) * 3]

        done = await asyncio.gather(*makers[:3], _out(api, ann), *makers[3:], return_exceptions=True)

        assert all(isinstance(one, (str, Unauthorized)) or one is None for one in done)
    alive = [one for one in await keys.list_keys(api.core.database) if one.revoked_at is None and one.name == "k"]
    assert alive == []
    trials(10)


async def _out(api: Api, who: Person) -> None:
    await operators.disable(api.core.database, who.name, actor="test")
