"""Floats at providers: never below the minimum, by nobody's race, and never by a balance that nobody knows any more."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from rewardrails.cli.checks_wallets import floats as doctor_floats
from rewardrails.config import Config
from rewardrails.domain.money import Money
from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.outcome import Rejected, RejectionScope
from rewardrails.engine.explain import explain
from rewardrails.engine.floats import keep_balance, refuse_floats_nobody_tells
from rewardrails.engine.observe import apply_observations
from rewardrails.engine.send import claim, send
from rewardrails.engine.sync import apply_answers, ask, claim_to_sync
from rewardrails.errors import ConfigInvalid, ErrorCode
from rewardrails.facade import RewardRails
from rewardrails.observability import metrics
from rewardrails.worker.worker import Worker
from tests.support.scripted_rail import ScriptedRail, accept, settle
from tests.support.season import BUDGET, CONFIG, opened_core, request, reward, send_all, states


def with_float(**bounds):
    lines = "\n".join(
        f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in bounds.items()
    )
    return CONFIG + f"\n[providers.one.floats.EUR]\n{lines}\n"


class Purse(ScriptedRail):
    """A rail with a purse: what it accepted is gone from it, what it says of it the test may change."""

    def __init__(self, held_minor, script=settle):
        super().__init__("one", script)
        self.held_minor = held_minor
        self.paid_minor = 0
        self.lowest = held_minor
        self.is_silent = False

    async def create_payout(self, order):
        before = len(self.status)
        outcome = await super().create_payout(order)
        if len(self.status) > before:
            self.paid_minor += order.amount.amount_minor
            self.lowest = min(self.lowest, self.held_minor - self.paid_minor)
        return outcome

    async def balance(self):
        if self.is_silent:
            raise RuntimeError("no answer")
        return [Money(amount_minor=self.held_minor - self.paid_minor, asset="EUR")]


@asynccontextmanager
async def keeping(dsn, purse, **bounds):
    async with opened_core(dsn, [purse], config=with_float(**bounds), connections=20) as core:
        await keep_balance(core, purse)
        yield core


DUE_NOW = """UPDATE payout SET due_at = rr_now()
              WHERE id IN (SELECT id FROM payout WHERE state = 'ready' FOR NO KEY UPDATE SKIP LOCKED)"""


async def ask_again(core, purse):
    async with core.database.transaction() as tx:
        await tx.execute("UPDATE provider_float SET next_ask_at = rr_now()")
    async with core.database.transaction() as tx:
        await tx.execute(DUE_NOW)
    await keep_balance(core, purse)


async def code_of(core, payout_id):
    async with core.database.reading() as connection:
        return await connection.fetchval("SELECT code FROM payout WHERE id = $1", payout_id)


async def verdict(core, payout_id):
    return next(v for v in (await explain(core, payout_id)).verdicts if v.gate == "provider_float")


# Edges -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("held_minor", "state"), [(6000, "paid"), (5999, "ready")])
async def test_the_minimum_stays_to_the_cent(database_dsn, held_minor, state):
    purse = Purse(held_minor)
    async with keeping(database_dsn, purse, minimum="50.00") as core:
        (result,) = await request(core, [reward(1)])

        await send_all(core)

        assert (await states(core))[result.payout_id] == state


@pytest.mark.parametrize(("seconds", "state"), [(59, "paid"), (61, "ready")])
async def test_a_balance_counts_only_while_it_is_young(database_dsn, seconds, state):
    purse = Purse(100_000)
    async with keeping(database_dsn, purse, minimum="0", max_age_minutes=1) as core:
        (result,) = await request(core, [reward(1)])
        async with core.database.transaction() as tx:
            await tx.execute(f"UPDATE provider_float SET known_at = rr_now() - interval '{seconds} seconds'")

        await send_all(core)

        assert (await states(core))[result.payout_id] == state
        if state == "ready":
            assert (await verdict(core, result.payout_id)).why == "one has not told its balance lately"


async def test_nothing_is_sent_before_the_first_balance(database_dsn):
    purse = Purse(100_000)
    async with opened_core(database_dsn, [purse], config=with_float(minimum="10")) as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)
        before = (await states(core))[result.payout_id]

        await keep_balance(core, purse)
        await send_all(core)

        assert (before, (await states(core))[result.payout_id]) == ("ready", "paid")


async def test_what_is_short_waits_with_its_cause_and_goes_on_after_a_top_up(database_dsn):
    purse = Purse(2000)
    async with keeping(database_dsn, purse, minimum="15.00") as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)
        told = await verdict(core, result.payout_id)
        code = await code_of(core, result.payout_id)
        player = (await explain(core, result.payout_id)).player_text

        purse.held_minor += 500
        await ask_again(core, purse)
        await send_all(core)

        assert code == ErrorCode.INSUFFICIENT_PROVIDER_FUNDS
        assert told.owner == "treasurer"
        assert told.next_step == "top up one by at least 500 smallest units; it is then sent by itself"
        assert "one" not in player.split()
        assert (await states(core))[result.payout_id] == "paid"
        assert await code_of(core, result.payout_id) is None


async def test_a_smaller_one_goes_where_a_larger_one_must_wait(database_dsn):
    purse = Purse(3000)
    async with keeping(database_dsn, purse, minimum="0") as core:
        large, small = await request(core, [reward(1, amount_minor=5000), reward(2, amount_minor=1000)])

        await send_all(core)

        assert (await states(core)) == {large.payout_id: "ready", small.payout_id: "paid"}


# What is under way -----------------------------------------------------------------------------------------------------


async def test_what_was_claimed_since_counts_until_the_next_balance(database_dsn):
    purse = Purse(5000, accept)
    async with keeping(database_dsn, purse, minimum="10.00") as core:
        await request(core, [reward(number) for number in range(8)])

        for _ in range(3):
            await send_all(core, wanted=2)

        assert sorted((await states(core)).values()) == ["pending"] * 4 + ["ready"] * 4
        assert purse.lowest == 1000


async def test_what_was_live_when_the_rail_was_asked_is_taken_off_even_when_it_ends_meanwhile(database_dsn):
    """The rail answers a balance from before it took an order; the order ends; the old balance must not be spent again."""
    purse = Purse(3000, accept)
    async with keeping(database_dsn, purse, minimum="0") as core:
        await request(core, [reward(1, amount_minor=2000)])
        await send_all(core)
        purse.paid_minor = 0  # not booked there yet
        await ask_again(core, purse)
        purse.paid_minor = 2000
        purse.status = dict.fromkeys(purse.status, ObservedStatus.PAID)
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE attempt SET sync_due_at = rr_now()")
        asked = await claim_to_sync(core, purse, 10)
        await apply_answers(core, purse, [(one, await ask(purse, one)) for one in asked])

        await request(core, [reward(2, amount_minor=1500)])
        await send_all(core)

        assert sorted((await states(core)).values()) == ["paid", "ready"]
        assert purse.lowest >= 0


async def test_what_was_refused_for_certain_is_free_again_after_the_next_balance(database_dsn):
    async def refuse(rail, order):
        return Rejected(code=ErrorCode.PROVIDER_REJECTED, retryable=False, scope=RejectionScope.PAYOUT)

    purse = Purse(1500, refuse)
    async with keeping(database_dsn, purse, minimum="0") as core:
        await request(core, [reward(1)])
        await send_all(core)
        purse.script = settle
        (second,) = await request(core, [reward(2)])
        await send_all(core)
        before = (await states(core))[second.payout_id]

        await ask_again(core, purse)
        await send_all(core)

        assert (before, (await states(core))[second.payout_id]) == ("ready", "paid")


@pytest.mark.promise("G1")
async def test_many_workers_never_go_below_the_minimum_together(database_dsn, trials):
    """Eight claimers at once, again and again, while balances are asked for and the purse is topped up."""
    purse = Purse(20_000, accept)
    async with keeping(database_dsn, purse, minimum="30.00") as core:
        await request(core, [reward(number, amount_minor=700 + number * 13) for number in range(60)])

        async def worker():
            for _ in range(12):
                claimed = await claim(core, purse, BUDGET, 3)
                await apply_observations(core, [await send(core, purse, item) for item in claimed])

        async def asker():
            for _ in range(12):
                await ask_again(core, purse)

        await asyncio.gather(*(worker() for _ in range(8)), asker())

        standing = list((await states(core)).values())
        assert set(standing) == {"pending", "ready"}
        assert purse.lowest >= 3000
        assert purse.double_pays == []
        trials(8 * 12)


async def test_two_worker_processes_keep_it_too(database_dsn):
    purse = Purse(10_000)
    async with keeping(database_dsn, purse, minimum="25.00") as core:
        await request(core, [reward(number) for number in range(20)])
        workers = [Worker(replace(core, actor=f"worker-{number}")) for number in range(2)]
        working = [asyncio.create_task(one.run()) for one in workers]

        async with asyncio.timeout(20):
            while list((await states(core)).values()).count("paid") < 7:  # noqa: ASYNC110 - another task works
                await asyncio.sleep(0.05)
        await asyncio.sleep(1.5)
        for one in workers:
            one.stop()
        await asyncio.gather(*working)

        assert sorted((await states(core)).values()) == ["paid"] * 7 + ["ready"] * 13
        assert purse.lowest == 3000


# What it does not stop -------------------------------------------------------------------------------------------------


async def test_an_asset_that_is_short_does_not_stop_another(database_dsn):
    more = 'pools = { EUR = "season-eur", USD = "season-usd" }'
    assert more in CONFIG
    purse = Purse(0)
    config = with_float(minimum="10.00").replace('assets = ["EUR"]', 'assets = ["EUR", "USD"]')
    async with opened_core(database_dsn, [purse], config=config) as core:
        await keep_balance(core, purse)
        await request(core, [reward(number) for number in range(5)])
        (dollars,) = await request(core, [reward(9, asset="USD")])

        await send_all(core, wanted=1)

        assert (await states(core))[dollars.payout_id] == "paid"


async def test_a_cap_alone_stops_nothing_and_the_doctor_says_what_to_sweep(database_dsn):
    purse = Purse(100_000)
    async with keeping(database_dsn, purse, cap="900.00") as core:
        (result,) = await request(core, [reward(1)])
        await send_all(core)

        (finding,) = await doctor_floats(RewardRails(core, actor="test"))
        figures = (await metrics.exposition(core.database)).decode()

        assert (await states(core))[result.payout_id] == "paid"
        assert finding.level == "problem"
        assert finding.do == "sweep 100.00 EUR to your cold wallet or bank"
        assert 'rewardrails_float_over_cap{asset="EUR",provider="one"} 1.0' in figures
        assert 'rewardrails_float_balance{asset="EUR",provider="one"} 100000.0' in figures


@pytest.mark.parametrize(("held_minor", "above"), [(90_000, False), (90_001, True)])
async def test_the_cap_is_exceeded_from_the_first_cent_above(database_dsn, held_minor, above):
    async with keeping(database_dsn, Purse(held_minor), cap="900.00") as core:
        (finding,) = await doctor_floats(RewardRails(core, actor="test"))
        assert (finding.level == "problem") is above


async def test_a_rail_that_does_not_tell_keeps_the_last_word_until_it_is_too_old(database_dsn):
    purse = Purse(5000)
    async with keeping(database_dsn, purse, minimum="0", max_age_minutes=1) as core:
        purse.is_silent = True
        await ask_again(core, purse)
        (result,) = await request(core, [reward(1)])
        await send_all(core)
        while_young = (await states(core))[result.payout_id]
        async with core.database.transaction() as tx:
            await tx.execute("UPDATE provider_float SET known_at = rr_now() - interval '2 minutes'")
        (other,) = await request(core, [reward(2)])
        await send_all(core)

        (finding,) = await doctor_floats(RewardRails(core, actor="test"))

        assert (while_young, (await states(core))[other.payout_id]) == ("paid", "ready")
        assert finding.found == "its balance is 2 minutes old: nothing is sent"


async def test_every_waiting_payout_carries_the_cause_after_a_while(database_dsn):
    purse = Purse(0)
    async with keeping(database_dsn, purse, minimum="10") as core:
        results = await request(core, [reward(number) for number in range(5)])

        await ask_again(core, purse)

        codes = {await code_of(core, result.payout_id) for result in results}
        assert codes == {ErrorCode.INSUFFICIENT_PROVIDER_FUNDS}


async def test_a_float_at_a_rail_that_cannot_tell_stops_the_start(database_dsn):
    async with opened_core(database_dsn, [ScriptedRail("one")], config=with_float(minimum="1")) as core:
        with pytest.raises(ConfigInvalid, match="cannot tell its balance"):
            refuse_floats_nobody_tells(core)


def test_a_float_that_bounds_nothing_or_of_no_asset_is_refused():
    for text in ("[providers.one.floats.EUR]\n", '[providers.one.floats.GBP]\nminimum = "1"\n'):
        with pytest.raises(ConfigInvalid, match=r"floats\."):
            Config.parse(CONFIG + text)
