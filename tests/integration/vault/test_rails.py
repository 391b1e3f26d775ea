"""What rails prepare and what they tell belongs to the player it is about, and goes with them."""

import asyncio
from collections.abc import Sequence

import pytest

from rewardrails.domain.observation import Observation, ObservedStatus
from rewardrails.domain.order import Order
from rewardrails.domain.outcome import CreateOutcome, Progressed
from rewardrails.engine.erase import ErasureRequest, erase_players
from rewardrails.engine.webhooks import Notice, apply_notices, store_notices
from rewardrails.errors import RewardRailsError
from rewardrails.providers.base import Prepared
from tests.integration.vault.worlds import all_sealed, ring, salts, world
from tests.support.scripted_rail import ScriptedRail, accept, settle
from tests.support.season import BUDGET, claim, request, reward, send_all, states

SECRET = "player1@example.org"


class TwoStepRail(ScriptedRail):
    """Prepares bytes that name the destination, and resumes by bytes that name it too."""

    def __init__(self, name: str) -> None:
        super().__init__(name, _two_steps)
        self.given: list[tuple[bytes | None, bytes | None]] = []

    async def prepare(self, orders: Sequence[Order]) -> Sequence[Prepared]:
        return [Prepared(opaque=f"prepared {order.destination.value}".encode()) for order in orders]


@pytest.mark.promise("G1", "G6")
async def test_what_a_rail_prepared_comes_back_to_it_and_stands_nowhere_in_clear(database_dsn):
    rail = TwoStepRail("one")
    async with world(database_dsn, [rail], ring("a")) as core:
        await request(core, [reward(1)])

        await send_all(core)

        assert rail.given == [(b"prepared " + SECRET.encode(), None), (b"prepared " + SECRET.encode(), SECRET.encode())]
        assert list((await states(core)).values()) == ["paid"]
        places = {place for place, sealed, _, _ in await all_sealed(core) if SECRET.encode() not in sealed}
        assert {"submission.prepared", "submission.resume"} <= places
        assert {"submission.prepared", "submission.resume"} <= {place for place, _ in await _readable(core)}

        await _erase(core, "player:1")

        assert not {"submission.prepared", "submission.resume"} & {place for place, _ in await _readable(core)}


@pytest.mark.promise("G1", "G2", "G6")
async def test_a_rail_is_given_the_same_bytes_again_after_a_rotation(database_dsn):
    rail = TwoStepRail("one")
    async with world(database_dsn, [rail], ring("a", "b")) as old:
        await request(old, [reward(1)])
        await claim(old, rail, BUDGET, 1)
        async with world(database_dsn, [rail], ring("b", "a")) as new:
            await _absent(new)

            await send_all(new)

        assert [prepared for prepared, _ in rail.given] == [b"prepared " + SECRET.encode()] * 2


@pytest.mark.promise("G6")
async def test_an_applied_notice_of_one_player_goes_with_the_player_and_of_several_is_not_kept(database_dsn):
    async with world(database_dsn, [ScriptedRail("one", accept)], ring("a")) as core:
        made = await request(core, [reward(number) for number in (1, 2, 3)])
        await send_all(core)
        keys = [f"{one.payout_id.hex}-1" for one in made]
        await store_notices(core, [_notice("alone", keys[:1]), _notice("together", keys[1:]), _notice("odd", ["?"])])

        await apply_notices(core, 10)

        assert list((await states(core)).values()) == ["paid"] * 3
        assert await _bodies(core) == {"alone", "odd"}
        await _erase(core, "player:1")
        assert await _bodies(core) == {"odd"}, "what speaks of nobody known stays for people"


async def _two_steps(rail: ScriptedRail, order: Order) -> CreateOutcome:
    assert isinstance(rail, TwoStepRail)
    await asyncio.sleep(0)
    rail.given.append((order.prepared, order.resume))
    return Progressed(resume=order.destination.value.encode()) if order.resume is None else await settle(rail, order)


def _notice(text: str, rail_keys: Sequence[str]) -> Notice:
    seen = tuple(Observation(status=ObservedStatus.PAID, rail_key=key, event_key=text) for key in rail_keys)
    return Notice(provider="one", event_key=text, body=text.encode(), observations=seen)


async def _absent(core) -> None:
    """The lease lapses, and the rail knows nothing: it is sent again under the same key."""
    async with core.database.transaction() as tx:
        await tx.execute("UPDATE attempt SET state = 'unknown', lease_until = NULL")
        await tx.execute("UPDATE payout SET state = 'ready', version = version + 1")


async def _erase(core, player_id: str) -> None:
    await erase_players(core, [ErasureRequest(player_id=player_id, reason="case 1")], actor="test")


async def _bodies(core) -> set[str]:
    return {text for place, text in await _readable(core) if place == "webhook_inbox.body"}


async def _readable(core) -> list[tuple[str, str]]:
    found = []
    for place, sealed, key, purpose in await all_sealed(core):
        for salt in [None, *await salts(core)]:
            try:
                found.append((place, core.vault.open(sealed, purpose, key, salt).decode()))
                break
            except RewardRailsError:
                continue
    return found
