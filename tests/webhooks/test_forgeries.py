"""No mutant of a genuine notice is believed, neither by the adapter nor through the door."""

import asyncio

import pytest

from rewardrails.testing.mutants import Forgery, Mutant
from tests.support.season import opened_core, request, reward, send_all
from tests.webhooks.door import Door
from tests.webhooks.forging import forged_notices, judge
from tests.webhooks.raw_http import Reply, exchange, head, post
from tests.webhooks.wire_rail import WireRail

MUTANTS = 10_000
OVER_HTTP = 300
AT_ONCE = 8


@pytest.mark.promise("G4")
@pytest.mark.incident("I22", "I23")
async def test_of_ten_thousand_mutants_none_is_believed_and_each_genuine_one_is(database_dsn, trials):
    async with opened_core(database_dsn, [rail := WireRail()]) as core:
        await request(core, [reward(number) for number in range(10)])
        await send_all(core)

        verdict = judge(core, forged_notices(rail, genuine=100, each=MUTANTS // 80, seed=23))

    assert verdict.believed == []
    assert set(verdict.kinds) == set(Forgery)
    assert verdict.distinct >= MUTANTS
    trials(verdict.distinct)


@pytest.mark.promise("G4")
@pytest.mark.incident("I22", "I23")
async def test_mutants_that_come_through_the_door_leave_no_trace(door: Door, trials):
    before = await door.api.row_counts()
    gate = asyncio.Semaphore(AT_ONCE)

    async def deliver(mutant: Mutant) -> Reply:
        async with gate:
            return await post(door.port, "one", mutant.request)

    # One signed for later may come true while it waits for its turn at the door.
    kinds = set(Forgery) - {Forgery.FUTURE}
    forged = [mutant for _, mutant in forged_notices(door.one, genuine=10, each=OVER_HTTP // 10, seed=5, kinds=kinds)]
    same_on_the_wire = [mutant for mutant in forged if _trimmed(mutant)]
    replies = await asyncio.gather(*(deliver(mutant) for mutant in forged if not _trimmed(mutant)))

    assert {reply.status for reply in replies} <= {400, 401, 422}
    assert len(same_on_the_wire) < len(forged) / 10
    assert await door.api.row_counts() == before
    trials(len(replies))


@pytest.mark.promise("G4")
@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("genuine_first", [True, False])
async def test_a_header_that_comes_twice_proves_nothing(door: Door, name, genuine_first):
    good = door.one.notice(door.key, "paid")
    lines = [(key.encode(), value.encode()) for key, value in good.headers.items()]
    other = (name.title().encode(), b"evt_other" if name == "webhook-id" else b"1")
    both = [*lines, other] if genuine_first else [other, *lines]

    reply = await exchange(
        door.port, head("one", [*both, (b"Content-Length", str(len(good.body)).encode())]) + good.body
    )

    assert (reply.status, await door.inbox()) == (401, [])


@pytest.mark.promise("G4")
async def test_the_case_of_header_names_does_not_matter(door: Door):
    good = door.one.notice(door.key, "paid")
    lines = [(key.upper().encode(), value.encode()) for key, value in good.headers.items()]

    reply = await exchange(
        door.port, head("one", [*lines, (b"CONTENT-LENGTH", str(len(good.body)).encode())]) + good.body
    )
    await door.apply()

    assert (reply.status, await door.state()) == (200, "paid")


@pytest.mark.promise("G4")
async def test_another_rails_secret_proves_nothing(door: Door):
    theirs = door.two.genuine(door.one.body(door.one.payout(door.key, "paid"))).request()

    reply = await post(door.port, "one", theirs)

    assert (reply.status, await door.inbox()) == (401, [])


def _trimmed(mutant: Mutant) -> bool:
    """Whether HTTP itself takes the forgery away: blanks around a value, a request that ends at a line break."""
    blanks = {" ", "\t"}
    return mutant.forgery is Forgery.HEADER_SPACE and any(
        value[:1] in blanks or value[-1:] in blanks for value in mutant.request.headers.values()
    )
