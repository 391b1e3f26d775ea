"""Guards that stand behind other guards, each tried alone."""

import asyncio
import socket
from dataclasses import replace

import asyncpg
import pytest

from rewardrails import clock
from rewardrails.domain.payout import PayoutState
from rewardrails.engine.observe import apply_observations
from rewardrails.engine.operate import cancel
from rewardrails.engine.send import claim, send
from rewardrails.engine.steps import Step, write_steps
from rewardrails.errors import NotCancelableError
from rewardrails.events.egress import Egress, EgressFailed
from tests.support.scripted_rail import ScriptedRail, accept
from tests.support.season import BUDGET, opened_core, pool, request, reward, states


@pytest.mark.promise("G1", "G3")
@pytest.mark.incident("I7", "I11")
async def test_a_step_decided_on_an_older_version_moves_neither_state_nor_money(database_dsn):
    """Whoever decided without holding the row, however that came about, is too late."""
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        (made,) = await request(core, [reward(1)])
        before = await pool(core)
        hold = Step(
            payout_id=made.payout_id,
            version=1,
            from_state=PayoutState.READY,
            to_state=PayoutState.HELD,
            hold_cause="look",
        )

        moved = await asyncio.gather(*(core.database.run(lambda tx: write_steps(tx, [hold], "test")) for _ in range(8)))

        assert sorted(map(len, moved)) == [0] * 7 + [1]
        assert await states(core) == {made.payout_id: "held"}
        assert await pool(core) == before


@pytest.mark.promise("G1")
async def test_a_worker_that_slept_too_long_since_its_claim_sends_nothing(database_dsn):
    """Not even to a rail that would notice: others may have moved on, and not every rail remembers its keys."""
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        (claimed,) = await claim(core, rail, BUDGET, 1)

        seen = await send(core, rail, replace(claimed, send_before=clock.monotonic() - 0.001))
        await apply_observations(core, [seen])

        assert rail.calls == []
        assert set((await states(core)).values()) == {"ready"}


@pytest.mark.promise("G1")
@pytest.mark.incident("I10")
async def test_a_rail_is_not_asked_to_cancel_what_may_not_have_reached_it_yet(database_dsn):
    """It has the order and we have not heard so: were it canceled now, another sending would find nothing to stop it."""
    rail = ScriptedRail("one", accept)
    async with opened_core(database_dsn, [rail]) as core:
        (made,) = await request(core, [reward(1)])
        (claimed,) = await claim(core, rail, BUDGET, 1)
        answer = await send(core, rail, claimed)
        before = dict(rail.status)

        with pytest.raises(NotCancelableError):
            await cancel(core, made.payout_id, actor="test")

        assert rail.status == before
        await apply_observations(core, [answer])
        assert await states(core) == {made.payout_id: "pending"}


@pytest.mark.promise("G3", "G5")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfer SET amount = amount + 1",
        "DELETE FROM transfer",
        "TRUNCATE transfer",
        "DELETE FROM event",
        "TRUNCATE event",
        "TRUNCATE observation",
        "DELETE FROM payout",
    ],
)
async def test_history_holds_even_against_the_owner_of_the_tables(database_dsn, statement):
    """The engine's own role may not even try; whoever may try is stopped all the same."""
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        await request(core, [reward(1)])
    owner = await asyncpg.connect(database_dsn)
    try:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await owner.execute(statement)
    finally:
        await owner.close()


@pytest.mark.promise("G7")
async def test_a_name_that_leads_inside_is_never_connected_to(monkeypatch):
    """Asserted at the socket: nobody knocks, though the name resolves and somebody listens."""
    knocks = 0

    async def knocked(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal knocks
        knocks += 1
        writer.close()

    server = await asyncio.start_server(knocked, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", _resolving(inside), raising=False)
    egress = Egress(allow_private=False)
    try:
        with pytest.raises(EgressFailed):
            await egress.post(f"https://game.example.org:{port}/", headers={}, body=b"{}")
    finally:
        await egress.close()
        server.close()
        await server.wait_closed()
    assert knocks == 0


def _resolving(answer: list[tuple[object, ...]]):
    async def getaddrinfo(*_: object, **__: object) -> list[tuple[object, ...]]:
        return answer

    return getaddrinfo
