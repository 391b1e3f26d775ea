"""One person with a sign-in and keys of their own is one person: their word counts once, and never for their own."""

from dataclasses import replace
from uuid import UUID

import pytest

from rewardrails.engine import legal
from rewardrails.engine.core import Core
from rewardrails.engine.request import request_of, request_payouts
from rewardrails.engine.resolve import Resolved, resolve
from rewardrails.errors import Forbidden
from rewardrails.security import keys
from rewardrails.security.roles import Role
from rewardrails.security.scopes import Scope
from tests.support.gates import an_approval, say_yes
from tests.support.people import person
from tests.support.scripted_rail import ScriptedRail, explode
from tests.support.season import CONFIG, opened_core, request, reward, send_all, states

pytestmark = [pytest.mark.promise("G7")]

TWO_PEOPLE = """
[[approvals]]
name = "large"
needs = 2
asset = "EUR"
above = "20.00"
"""


async def with_a_key(core: Core, name: str) -> tuple[str, str]:
    """Somebody's two actors."""
    somebody = await person(core, Role.ADMIN, name=name)
    key, _ = await keys.create_key(
        core.database, core.vault, name=name, scopes=frozenset({Scope.READ}), actor=somebody.actor
    )
    return somebody.actor, key.actor


async def test_a_payout_of_ones_key_is_ones_own_and_two_words_of_one_person_are_one(database_dsn: str) -> None:
    async with opened_core(database_dsn, [ScriptedRail("one")], config=CONFIG + TWO_PEOPLE) as core:
        ann, ben, cem = [await with_a_key(core, name) for name in ("ann", "ben", "cem")]
        large = request_of(core, replace(reward(1), amount_minor=6000))
        (result,) = await request_payouts(core, [large], ann[1])
        payout_id = result.payout_id
        assert isinstance(payout_id, UUID)

        for own in ann:
            with pytest.raises(Forbidden):
                await say_yes(core, [payout_id], actor=own)
        for word in ben:
            await say_yes(core, [payout_id], actor=word)
        before = (await states(core))[payout_id]
        await say_yes(core, [payout_id], actor=cem[1])

        assert (before, (await states(core))[payout_id]) == ("awaiting_approval", "ready")


async def test_nobody_confirms_what_their_own_key_recorded_or_proposed(database_dsn: str) -> None:
    async with opened_core(database_dsn, [ScriptedRail("one", explode)]) as core:
        ann, ben = [await with_a_key(core, name) for name in ("ann", "ben")]
        recorded = await legal.record(core, an_approval(), actor=ann[1])
        (result,) = await request(core, [reward(1)])
        await send_all(core)
        assert (await states(core))[result.payout_id] == "outcome_unknown"
        said = {"outcome": Resolved.PAID, "evidence": "seen in the provider's own list"}
        await resolve(core, result.payout_id, **said, actor=ann[0])

        with pytest.raises(Forbidden):
            await legal.confirm(core, recorded.id, actor=ann[0])
        with pytest.raises(Forbidden):
            await resolve(core, result.payout_id, **said, actor=ann[1])
        await legal.confirm(core, recorded.id, actor=ben[0])
        await resolve(core, result.payout_id, **said, actor=ben[1])

        assert (await states(core))[result.payout_id] == "paid"
