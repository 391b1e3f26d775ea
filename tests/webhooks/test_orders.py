"""Whatever order a rail's words arrive in, and however often, the payout ends where the rail's truth is."""

import random

import pytest

from tests.support.season import opened_core
from tests.webhooks.mixes import LIVES, every_order, random_mix
from tests.webhooks.orders import Company, assert_books_say, assert_true
from tests.webhooks.wire_rail import WireRail

MIXES = 1_000
BATCH = 500


@pytest.mark.promise("G1", "G3", "G4")
@pytest.mark.incident("I12")
@pytest.mark.parametrize("waits", [False, True], ids=["one_by_one", "all_at_the_end"])
@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
async def test_all_orders_of_six_words_end_in_the_rails_truth(database_dsn, trials, life, waits):
    async with opened_core(database_dsn, [rail := WireRail()], funded=10**12) as core:
        company = Company(core, rail)
        plays = every_order(life)

        payouts = await company.perform(plays, waits=waits)

        await assert_true(company, payouts, [life.truth] * len(plays))
        await assert_books_say(company, paid=len(plays) if life.truth == "paid" else 0)
        trials(len(plays))


@pytest.mark.promise("G1", "G3", "G4")
@pytest.mark.parametrize("seed", [1])
async def test_random_mixes_of_notices_and_polls_end_in_the_rails_truth(database_dsn, trials, seed):
    chance = random.Random(seed)
    async with opened_core(database_dsn, [rail := WireRail()], funded=10**12) as core:
        company, paid = Company(core, rail), 0
        for batch in range(MIXES // BATCH):
            mixes = [random_mix(chance) for _ in range(BATCH)]

            truths = [mix.truth for mix in mixes]

            payouts = await company.perform([mix.play for mix in mixes], waits=batch % 2 == 1, last_words=truths)

            await assert_true(company, payouts, truths)
            paid += sum(mix.truth == "paid" for mix in mixes)
        await assert_books_say(company, paid)
        trials(MIXES)
