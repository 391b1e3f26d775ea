"""Webhooks in every order, at random and forged, in large numbers. RR_NIGHT_SCALE makes them larger or smaller."""

import os
import random

import pytest

from tests.support.season import opened_core, request, reward, send_all
from tests.webhooks.forging import forged_notices, judge
from tests.webhooks.mixes import every_life, every_order, random_mix
from tests.webhooks.orders import Company, assert_books_say, assert_true
from tests.webhooks.wire_rail import WireRail

SCALE = float(os.environ.get("RR_NIGHT_SCALE", "1"))
MIXES = int(100_000 * SCALE)
MUTANTS = int(1_000_000 * SCALE)
BATCH = 500
# A database grows with every payout; checking all books after every batch would take longer each time.
PER_DATABASE = 10_000
MUTANTS_OF_ONE = 200


@pytest.mark.promise("G1", "G3", "G4")
@pytest.mark.parametrize("life", every_life(), ids=lambda life: life.name)
async def test_all_orders_of_six_words_end_in_the_rails_truth(database_dsn, trials, life):
    async with opened_core(database_dsn, [rail := WireRail()], funded=10**12) as core:
        company, plays = Company(core, rail), every_order(life)
        for waits in (False, True):
            payouts = await company.perform(plays, waits=waits)
            await assert_true(company, payouts, [life.truth] * len(plays))
            trials(len(plays))
        await assert_books_say(company, paid=2 * len(plays) if life.truth == "paid" else 0)


@pytest.mark.promise("G1", "G3", "G4")
@pytest.mark.parametrize("seed", range(max(1, MIXES // PER_DATABASE)))
async def test_random_mixes_of_notices_and_polls_end_in_the_rails_truth(database_dsn, trials, seed):
    chance = random.Random(1000 + seed)
    async with opened_core(database_dsn, [rail := WireRail()], funded=10**12) as core:
        company, paid = Company(core, rail), 0
        for batch in range(PER_DATABASE // BATCH):
            mixes = [random_mix(chance) for _ in range(BATCH)]
            truths = [mix.truth for mix in mixes]
            payouts = await company.perform([mix.play for mix in mixes], waits=batch % 2 == 1, last_words=truths)
            await assert_true(company, payouts, truths)
            paid += truths.count("paid")
            trials(BATCH)
        await assert_books_say(company, paid)


@pytest.mark.promise("G4")
async def test_no_mutant_is_believed_and_each_genuine_notice_is(database_dsn, trials):
    async with opened_core(database_dsn, [rail := WireRail()]) as core:
        await request(core, [reward(number) for number in range(100)])
        await send_all(core)

        verdict = judge(
            core, forged_notices(rail, genuine=max(1, MUTANTS // MUTANTS_OF_ONE), each=MUTANTS_OF_ONE, seed=41)
        )

    assert verdict.believed == []
    trials(verdict.distinct)
