"""One reward, one payout; a pool never pays more than it has, whoever asks at once."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from rewardrails.domain.posting import FundingSource
from rewardrails.engine.request import RequestVerdict
from rewardrails.engine.send import claim
from rewardrails.errors import ErrorCode, PoolExhausted
from rewardrails.ledger import posting
from rewardrails.ledger.invariants import verify
from tests.support.scripted_rail import ScriptedRail
from tests.support.season import BUDGET, opened_core, pool, request, reward, send_all, states


@pytest.mark.promise("G1")
@pytest.mark.incident("I11", "I18")
async def test_the_same_reward_twice_in_one_batch_and_again_later_is_one_payout(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        first, second = await request(core, [reward(1), reward(1)])
        (third,) = await request(core, [reward(1)])

        assert [first.verdict, second.verdict, third.verdict] == ["accepted", "replayed", "replayed"]
        assert first.payout_id == second.payout_id == third.payout_id
        assert len(await states(core)) == 1


@pytest.mark.promise("G1")
async def test_the_same_reward_with_other_content_is_refused(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")]) as core:
        await request(core, [reward(1)])
        first, second = await request(core, [reward(1, amount_minor=7777), reward(1, value="other@example.org")])

        assert first.code is second.code is ErrorCode.IDEMPOTENCY_KEY_REUSED


async def test_rewards_of_different_campaigns_do_not_meet(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one"), ScriptedRail("two")]) as core:
        results = await request(core, [reward(1), reward(1, campaign="other")])
        assert [result.verdict for result in results] == ["accepted", "accepted"]


@pytest.mark.promise("G2", "G3")
async def test_a_row_the_pool_cannot_bear_is_refused_alone_and_claims_nothing(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], funded=2500) as core:
        results = await request(
            core,
            [
                reward(1),
                reward(2, amount_minor=9000),
                reward(3),
                reward(4, amount_minor=600),
                reward(5, amount_minor=500),
            ],
        )

        assert [result.verdict for result in results] == ["accepted", "refused", "accepted", "refused", "accepted"]
        assert {result.code for result in results if result.code} == {ErrorCode.POOL_EXHAUSTED}
        assert await pool(core) == {"reserved": 2500, "sponsor": -2500}

        (eur,) = [one for one in await _pools(core) if one.name == "season-eur"]
        async with core.database.transaction() as tx:
            await posting.fund(
                tx, pool_id=eur.id, source=FundingSource.GRANT, amount_minor=9000, reference="", actor="test"
            )
        (again,) = await request(core, [reward(2, amount_minor=9000)])
        assert again.verdict is RequestVerdict.ACCEPTED


async def _pools(core):
    async with core.database.reading() as connection:
        return await posting.list_pools(connection)


@pytest.mark.promise("G3")
@pytest.mark.incident("I21")
async def test_64_clients_on_one_pool_never_overspend(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], funded=100_000, connections=16) as core:
        results = await asyncio.gather(
            *(request(core, [reward(client * 10 + n) for n in range(3)]) for client in range(64))
        )

        accepted = [one for batch in results for one in batch if one.verdict is RequestVerdict.ACCEPTED]
        assert len(accepted) == 100
        assert await pool(core) == {"reserved": 100_000, "sponsor": -100_000}
        assert (await verify(core.database)).balances


@pytest.mark.promise("G1", "G8")
async def test_clients_asking_for_the_same_rewards_in_opposite_orders_do_not_deadlock(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], connections=12) as core:
        rows = [reward(n) for n in range(40)]
        results = await asyncio.gather(*(request(core, rows if n % 2 else rows[::-1]) for n in range(12)))

        accepted = [one for batch in results for one in batch if one.verdict is RequestVerdict.ACCEPTED]
        assert len(accepted) == 40
        assert len(await states(core)) == 40
        assert (await verify(core.database)).balances


@pytest.mark.promise("G1")
@pytest.mark.incident("I3", "I7", "I11")
async def test_two_workers_never_take_the_same_payout(database_dsn):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core, opened_core(database_dsn, [rail]) as other:
        await request(core, [reward(n) for n in range(100)])

        taken = await asyncio.gather(*(claim(which, rail, BUDGET, 30) for which in (core, other) * 4))

        refs = [item.ref for batch in taken for item in batch]
        assert len(refs) == len(set(refs)) == 100


@pytest.mark.promise("G8")
async def test_in_flight_is_bounded_over_all_workers(database_dsn):

    rail = ScriptedRail("one")
    narrow = replace(BUDGET, max_in_flight=3)
    async with opened_core(database_dsn, [rail]) as core, opened_core(database_dsn, [rail]) as other:
        await request(core, [reward(n) for n in range(20)])
        taken = await asyncio.gather(*(claim(which, rail, narrow, 10) for which in (core, other)))
        assert sum(len(batch) for batch in taken) == 3


@pytest.mark.promise("G8")
@pytest.mark.incident("I17")
async def test_a_sick_provider_leaves_the_others_alone(database_dsn):
    one, two = ScriptedRail("one"), ScriptedRail("two")
    async with opened_core(database_dsn, [one, two]) as core:
        await request(core, [reward(n) for n in range(5)] + [reward(n, campaign="other") for n in range(5)])
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE provider_state SET closed_until = rr_now() + interval '1 hour' WHERE name = 'one'")

        assert await send_all(core, "one") == []
        assert len(await send_all(core, "two")) == 5


@pytest.mark.promise("G3")
async def test_a_pool_gives_back_at_most_what_is_free_and_what_the_source_gave(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], funded=1000) as core:
        await request(core, [reward(1, amount_minor=400)])
        (eur,) = [one for one in await _pools(core) if one.name == "season-eur"]
        for source, amount in ((FundingSource.SPONSOR, 601), (FundingSource.GRANT, 1)):
            with pytest.raises(PoolExhausted):
                async with core.database.transaction() as tx:
                    await posting.withdraw(
                        tx, pool_id=eur.id, source=source, amount_minor=amount, reference="", actor="test"
                    )
        assert (await pool(core))["available"] == 600


FORBIDDEN_BY_THE_DATABASE = {
    "a balance is written": "UPDATE account SET balance = 10 WHERE name = 'available'",
    "a transfer is changed": "UPDATE transfer SET amount = 1",
    "a transfer is removed": "DELETE FROM transfer",
    "history is removed": "DELETE FROM event",
    "history is rewritten": "UPDATE event SET type = 'payout.paid'",
    "an observation is changed": "UPDATE observation SET effect = 'applied'",
    "a reserved payout vanishes": "DELETE FROM payout",
    "an entry fee funds a pool": "INSERT INTO transfer (id, pool_id, kind, debit, credit, amount, actor)"
    " SELECT gen_random_uuid(), id, 'fund', 'entry_fee', 'available', 1, 'x' FROM pool",
    "a pool is overdrawn": "INSERT INTO transfer (id, pool_id, kind, debit, credit, amount, payout_id, payout_version, actor)"
    " SELECT gen_random_uuid(), id, 'reserve', 'available', 'reserved', 10::numeric^30, gen_random_uuid(), 1, 'x' FROM pool",
    "money appears from nowhere": "INSERT INTO transfer (id, pool_id, kind, debit, credit, amount, actor)"
    " SELECT gen_random_uuid(), id, 'fund', 'paid', 'available', 1, 'x' FROM pool",
    "a transfer names no pool": "INSERT INTO transfer (id, pool_id, kind, debit, credit, amount, actor)"
    " VALUES (gen_random_uuid(), gen_random_uuid(), 'fund', 'sponsor', 'available', 1, 'x')",
    "a reward has two payouts": "INSERT INTO payout (id, campaign, reward_id, player_id, pool_id, asset, amount, fee_ceiling,"
    " reserved, jurisdiction, destination_kind, destination_ciphertext, destination_key_id, destination_digest, content_digest,"
    " provider, state, version, due_at, created_by) SELECT gen_random_uuid(), campaign, reward_id, player_id, pool_id, asset,"
    " amount, fee_ceiling, reserved, jurisdiction, destination_kind, destination_ciphertext, destination_key_id,"
    " destination_digest, content_digest, provider, 'ready', version, due_at, created_by FROM payout",
    "a payout is paid with its money still reserved": "UPDATE payout SET state = 'paid'",
    "a payout has two live attempts": "INSERT INTO attempt (payout_id, attempt_no, provider, submission_key, state, leased_by,"
    " lease_until) SELECT payout_id, 2, provider, 'k', 'sending', 'x', rr_now() FROM attempt",
    "a key is used twice": "INSERT INTO submission (provider, rail_key, content_digest)"
    " SELECT provider, rail_key, content_digest FROM submission",
}


@pytest.mark.promise("G1", "G3", "G5")
@pytest.mark.incident("I7")
@pytest.mark.parametrize("statement", FORBIDDEN_BY_THE_DATABASE.values(), ids=FORBIDDEN_BY_THE_DATABASE.keys())
async def test_the_database_itself_forbids_that(database_dsn, statement):
    rail = ScriptedRail("one")
    async with opened_core(database_dsn, [rail]) as core:
        await request(core, [reward(1)])
        await claim(core, rail, BUDGET, 1)
        with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)):
            async with core.database.transaction() as tx:
                await tx.execute(statement)
        assert (await verify(core.database)).balances
